"""The bundle: its typed models take it, its variables are declared, its tasks are the pipeline in order, no gap."""

import re
from typing import Any

import typer
import yaml
from databricks.bundles.jobs import Job, Task

from jobs.pipeline import PIPELINE
from jobs.runtime import log_lines
from jobs.runtime.cli import app
from jobs.runtime.recipe import Tracking
from tests.packaging.submitting import ROOT

FOLDER = ROOT / "conf" / "databricks"
BUNDLE: dict[str, Any] = yaml.safe_load((FOLDER / "databricks.yml").read_text(encoding="utf-8"))
TEXT = (FOLDER / "job.yml").read_text(encoding="utf-8")
JOB: dict[str, Any] = yaml.safe_load(TEXT)["resources"]["jobs"]["sluice"]


def arguments(task: dict[str, Any]) -> list[str]:
    """What the task calls `sluice` with."""
    return list(task["python_wheel_task"]["parameters"])


def test_the_typed_models_take_the_job() -> None:
    """They refuse unknown fields and wrong types."""
    job = Job.from_dict(JOB)  # type: ignore[arg-type]
    assert job.as_dict() == JOB | {"queue": {"enabled": True}}
    assert isinstance(job.tasks, list) and all(isinstance(task, Task) for task in job.tasks)


def test_every_variable_is_declared_and_used() -> None:
    used = set(re.findall(r"\$\{var\.(\w+)\}", TEXT))
    assert used == set(BUNDLE["variables"])
    assert all(variable["description"] for variable in BUNDLE["variables"].values())
    assert (FOLDER / BUNDLE["include"][0]).is_file()


def test_every_parameter_of_the_job_is_declared_and_used() -> None:
    declared = [parameter["name"] for parameter in JOB["parameters"]]
    assert set(re.findall(r"\{\{job\.parameters\.(\w+)\}\}", TEXT)) == set(declared)


def test_the_tasks_are_the_pipeline_in_order_without_a_gap() -> None:
    names = [job.name for job in PIPELINE]
    covered: list[str] = []
    for task in JOB["tasks"]:
        given = dict(argument.split("=", 1) for argument in arguments(task) if argument.startswith(("--from", "--to")))
        covered += names[names.index(given["--from"]) : names.index(given["--to"]) + 1]
    assert covered == names


def test_each_task_waits_for_the_one_before() -> None:
    keys = [task["task_key"] for task in JOB["tasks"]]
    waits = [[one["task_key"] for one in task.get("depends_on", [])] for task in JOB["tasks"]]
    assert waits == [[], *[[key] for key in keys[:-1]]]


def test_each_task_has_a_cluster_of_the_job() -> None:
    clusters = [cluster["job_cluster_key"] for cluster in JOB["job_clusters"]]
    assert clusters == ["cpu", "gpu"]
    assert {task["job_cluster_key"] for task in JOB["tasks"]} == {"cpu", "${var.models_on}"}
    on_models = [arguments(task) for task in JOB["tasks"] if task["job_cluster_key"] != "cpu"]
    assert [("--from=embed_text" in one, "--from=score_text" in one) for one in on_models] == [
        (True, False),
        (False, True),
    ]


def test_each_task_is_a_command_of_the_wheel() -> None:
    command: Any = typer.main.get_command(app)
    for task in JOB["tasks"]:
        wheel = task["python_wheel_task"]
        assert (wheel["package_name"], wheel["entry_point"]) == ("sluice_sft", "sluice")
        assert task["libraries"] == [{"whl": "../../dist/*.whl"}]
        name, *rest = arguments(task)
        context = command.commands[name].make_context(name, rest)
        assert context.params["recipes"] == ["{{job.parameters.recipe}}"]
        assert context.params["log_format"] in log_lines.FORMATS
        (override,) = context.params["overrides"]
        section, _, key = override.partition("=")[0].partition(".")
        assert section == "tracking" and key in Tracking.model_fields
