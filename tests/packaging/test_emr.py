"""submit.sh with an `aws` that only writes down what it is called with: the request, and what is refused before it."""

import json
import os
import shutil
import subprocess
from itertools import pairwise
from pathlib import Path
from typing import Any

import botocore.session
import pytest
import typer
from botocore.validate import ParamValidator

from jobs.runtime.cli import app
from jobs.runtime.session import DELTA_SQL, LOCAL_CONF
from tests.packaging.submitting import ROOT

SCRIPT = ROOT / "conf" / "emr" / "submit.sh"
RECIPE = "s3://bucket/recipe.yaml"
SERVERLESS = {
    "CODE": "s3://bucket/code/",
    "APPLICATION_ID": "00f1abc",
    "EXECUTION_ROLE_ARN": "arn:aws:iam::123456789012:role/sluice",
}
EC2 = {"CODE": "s3://bucket/code", "CLUSTER_ID": "j-ABC"}


@pytest.fixture
def submit(tmp_path: Path) -> Any:
    """Call the script; its request as a list of words."""
    aws = tmp_path / "bin" / "aws"
    aws.parent.mkdir()
    aws.write_text('#!/bin/sh\nprintf "%s\\0" "$@" > "$CALLED"\n', encoding="utf-8")
    aws.chmod(0o755)

    def call(variables: dict[str, str], *arguments: str) -> tuple["subprocess.CompletedProcess[str]", list[str]]:
        called = tmp_path / "called"
        called.unlink(missing_ok=True)
        environment = {"PATH": f"{aws.parent}:{os.environ['PATH']}", "CALLED": str(called), **variables}
        ran = subprocess.run([str(SCRIPT), *arguments], env=environment, text=True, capture_output=True, check=False)
        return ran, called.read_text(encoding="utf-8").split("\0")[:-1] if called.exists() else []

    return call


def request(words: list[str]) -> dict[str, Any]:
    """The options of an AWS command, their JSON read."""
    options = dict(zip(words[2::2], words[3::2], strict=True))
    return {key[2:]: json.loads(value) if value[0] in "[{" else value for key, value in options.items()}


def refused(service: str, operation: str, parameters: dict[str, Any]) -> str:
    """What AWS's own model of a request has against the parameters."""
    model = botocore.session.get_session().get_service_model(service).operation_model(operation)
    return str(ParamValidator().validate(parameters, model.input_shape).generate_report())


def settings(words: list[str]) -> dict[str, str]:
    """The --conf of a spark-submit."""
    return dict(value.split("=", 1) for option, value in pairwise(words) if option == "--conf")


def test_serverless(submit: Any) -> None:
    more = {"LOGS": "s3://bucket/logs", "SPARK_CONF": "spark.executor.memory=8g spark.executor.cores=4"}
    ran, words = submit(SERVERLESS | more, "serverless", RECIPE, "--set", 'clean_text.languages=["en"]')
    assert ran.returncode == 0, ran.stderr
    assert words[:2] == ["emr-serverless", "start-job-run"]
    found = request(words)
    parameters = {
        "clientToken": "one",
        "applicationId": found["application-id"],
        "executionRoleArn": found["execution-role-arn"],
        "name": found["name"],
        "jobDriver": found["job-driver"],
        "configurationOverrides": found["configuration-overrides"],
    }
    assert len(found) == 5 and refused("emr-serverless", "StartJobRun", parameters) == ""
    driver = found["job-driver"]["sparkSubmit"]
    assert driver["entryPoint"] == "s3://bucket/code/main.py"
    assert driver["entryPointArguments"] == [
        "run", RECIPE, "--set", 'clean_text.languages=["en"]', "--log-format", "json"
    ]  # fmt: skip
    words = driver["sparkSubmitParameters"].split()
    assert words[:2] == ["--py-files", "s3://bucket/code/sluice_sft.zip"]
    conf = settings(words)
    assert {key: conf[key] for key in DELTA_SQL} == {key: LOCAL_CONF[key] for key in DELTA_SQL}
    assert conf["spark.archives"] == "s3://bucket/code/environment.tar.gz#environment"
    python = {value for key, value in conf.items() if "PYTHON" in key}
    assert python == {"./environment/bin/python"}
    assert (conf["spark.executor.memory"], conf["spark.executor.cores"]) == ("8g", "4")
    assert len(conf) == 9


def test_a_step_of_a_cluster(submit: Any) -> None:
    ran, words = submit(EC2, "ec2", RECIPE, "--to", "clean_text")
    assert ran.returncode == 0, ran.stderr
    assert words[:2] == ["emr", "add-steps"]
    found = request(words)
    (step,) = found["steps"]
    jar_step = {"Jar": step["Jar"], "Args": step["Args"]}
    parameters = {
        "JobFlowId": found["cluster-id"],
        "Steps": [{"Name": step["Name"], "ActionOnFailure": step["ActionOnFailure"], "HadoopJarStep": jar_step}],
    }
    assert refused("emr", "AddJobFlowSteps", parameters) == ""
    assert set(step) == {"Type", "Name", "ActionOnFailure", "Jar", "Args"} and step["Type"] == "CUSTOM_JAR"
    arguments = step["Args"]
    place = arguments.index("s3://bucket/code/main.py")
    assert arguments[:5] == ["spark-submit", "--master", "yarn", "--deploy-mode", "cluster"]
    assert settings(arguments[:place])["spark.yarn.appMasterEnv.PYSPARK_PYTHON"] == "./environment/bin/python"
    assert arguments[place + 1 :] == ["run", RECIPE, "--to", "clean_text", "--log-format", "json"]
    command: Any = typer.main.get_command(app)
    name, *rest = arguments[place + 1 :]
    assert command.commands[name].make_context(name, rest).params["last"] == "clean_text"


@pytest.mark.parametrize(
    ("variables", "arguments", "said"),
    [
        (SERVERLESS, (), "expected serverless or ec2, then a recipe"),
        (SERVERLESS, ("eks", RECIPE), "eks: expected serverless or ec2"),
        (SERVERLESS, ("serverless", "recipe.yaml"), "recipe recipe.yaml: expected a URI that the cluster can read"),
        ({}, ("ec2", RECIPE), "CODE is not set: expected the folder of main.py"),
        ({"CODE": "code"}, ("ec2", RECIPE), "CODE=code: expected s3://bucket/folder"),
        ({"CODE": "s3://b"}, ("ec2", RECIPE), "CLUSTER_ID is not set"),
        ({"CODE": "s3://b"}, ("serverless", RECIPE), "APPLICATION_ID is not set"),
        ({"CODE": "s3://b", "APPLICATION_ID": "a"}, ("serverless", RECIPE), "EXECUTION_ROLE_ARN is not set"),
        (EC2 | {"SPARK_CONF": "memory=8g"}, ("ec2", RECIPE), "SPARK_CONF: memory=8g: expected spark.KEY=VALUE"),
        (SERVERLESS | {"SPARK_CONF": "spark.a='b'"}, ("serverless", RECIPE), "a setting holds a quote"),
        (EC2, ("ec2", RECIPE, "--set", "a.b=1\n2"), "holds a line break"),
    ],
)
def test_what_is_wrong_is_told_and_nothing_is_sent(
    submit: Any, variables: dict[str, str], arguments: tuple[str, ...], said: str
) -> None:
    ran, words = submit(variables, *arguments)
    assert (ran.returncode, words) == (2, [])
    assert ran.stderr.startswith("submit.sh: ") and said in ran.stderr


@pytest.mark.skipif(shutil.which("shellcheck") is None, reason="needs shellcheck, which no Python package brings")
def test_shellcheck_finds_nothing() -> None:
    assert subprocess.run(["shellcheck", str(SCRIPT)], text=True, capture_output=True, check=False).stdout == ""
