"""MLflow: one parent run a `sluice run`, a child run a job, the splits of a published version as datasets.

The only file that imports mlflow. MLflow unreachable is a warning: the run goes on, nothing of the lake is lost.
"""

import logging
import os
import time
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from pyspark.sql import Row

from jobs.runtime.execute import Outcome
from jobs.runtime.recipe import Recipe
from schemas.dataset_examples import DATASET_EXAMPLES

LOCAL_URI = "sqlite:///mlflow.db"
MAX_PARAM = 6000
VERSION_OF, VERSION, DIGEST = "sluice.dataset", "sluice.dataset_version", "sluice.content_digest"
# Where the examples are: lakes that share a tracking server may have datasets of one name.
PLACE = "sluice.dataset_examples"
LAKE = "sluice.lake"
# The schema as MLflow writes it: one entry a column.
COLUMNS = [
    {"name": f.name, "type": f.dataType.simpleString(), "required": not f.nullable} for f in DATASET_EXAMPLES.columns
]
UNTRACKED = (
    "the run goes on without tracking. Mend `tracking.uri` (or MLFLOW_TRACKING_URI) or the server there; "
    "the next run logs the versions that are missing there."
)


@dataclass
class Tracker:
    """A tracked run; after the first failure it stays silent."""

    client: Any = None
    experiment_id: str = ""
    run_id: str = ""
    uri: str = ""
    warn: Callable[[str], None] = warnings.warn
    warned: bool = field(default=False)

    def job(self, outcome: Outcome, params: Mapping[str, str], versions: Mapping[str, int]) -> None:
        """Log one job as a child run.

        versions: input_version.TABLE and output_version.TABLE, what it read and what it left."""
        self._try(lambda: self._log_job(outcome, params, versions))

    def versions(self, dataset: str, table_path: str) -> set[tuple[int, str]] | None:
        """Number and content digest of each version of a dataset of this lake that is logged, None where MLflow cannot
        be asked."""
        found: set[tuple[int, str]] = set()
        self._try(lambda: found.update(self._find_versions(dataset, table_path)))
        return None if self.client is None else found

    def version(self, manifest: Mapping[str, Any] | Row, table_path: str, *, on_parent: bool) -> None:
        """Log the splits of a published version, so that a training run can name its input: one of this
        run on the parent run, one of an earlier run on a run below it."""
        self._try(lambda: self._log_version(manifest, table_path, on_parent=on_parent))

    def end(self, status: str) -> None:
        """Close the parent run: FINISHED, FAILED or KILLED."""
        self._try(lambda: self.client.set_terminated(self.run_id, status))

    def _try(self, act: Callable[[], Any]) -> None:
        if self.client is None:
            return
        try:
            act()
        except Exception as error:  # any failure of tracking must not stop a run
            self.client = None
            self.warn(f"MLflow at {self.uri} failed ({type(error).__name__}); {UNTRACKED}")

    def _log_job(self, outcome: Outcome, params: Mapping[str, str], versions: Mapping[str, int]) -> None:
        from mlflow.entities import Metric, Param, RunTag

        now = int(time.time() * 1000)
        tags = {"mlflow.parentRunId": self.run_id, "sluice.status": outcome.status}
        run = self.client.create_run(self.experiment_id, run_name=outcome.job, tags=tags)
        metrics = {"rows_out": outcome.rows_out, "seconds": outcome.seconds, "cpu_seconds": outcome.cpu_seconds}
        metrics |= {f"dropped_{k.replace(':', '_')}": v for k, v in outcome.dropped.items()}
        metrics |= {"rows_in": outcome.rows_in} if outcome.rows_in is not None else {}
        metrics |= {"rows_changed": outcome.rows_changed} if outcome.rows_changed is not None else {}
        self.client.log_batch(
            run.info.run_id,
            metrics=[Metric(name, float(value), now, 0) for name, value in metrics.items()],
            params=[Param(name, value[:MAX_PARAM]) for name, value in params.items()],
            tags=[RunTag(name, str(value)) for name, value in versions.items()],
        )
        ended = "FAILED" if outcome.status in ("failed", "refused") else "FINISHED"
        self.client.set_terminated(run.info.run_id, ended)

    def _find_versions(self, dataset: str, table_path: str) -> set[tuple[int, str]]:
        found: set[tuple[int, str]] = set()
        token = None
        while True:
            runs = self.client.search_runs([self.experiment_id], f"tags.`{VERSION_OF}` = '{dataset}'", page_token=token)
            tags = [run.data.tags for run in runs if run.data.tags.get(PLACE) == table_path]
            found |= {(int(one[VERSION]), one[DIGEST]) for one in tags if VERSION in one}
            token = runs.token
            if not token:
                return found

    def _late_run(self, name: str) -> str:
        tags = {"mlflow.parentRunId": self.run_id}
        run = self.client.create_run(self.experiment_id, run_name=f"{name} (logged late)", tags=tags)
        self.client.set_terminated(run.info.run_id, "FINISHED")
        return str(run.info.run_id)

    def _log_version(self, manifest: Mapping[str, Any] | Row, table_path: str, *, on_parent: bool) -> None:
        from mlflow.entities import Dataset as TrackedDataset
        from mlflow.entities import DatasetInput, InputTag

        name = f"{manifest['dataset']} v{manifest['dataset_version']}"
        mine = f"dataset = '{manifest['dataset']}' AND dataset_version = {manifest['dataset_version']}"
        inputs = []
        for split, rows in sorted(manifest["split_counts"].items()):
            key = "path" if "/" in table_path else "delta_table_name"  # of a table that a catalog knows
            source = {key: table_path, "delta_table_version": manifest["table_versions"].get("dataset_examples", 0)}
            entity = TrackedDataset(
                name=f"{name} {split}"[:500],
                digest=manifest["content_digest"][:36],
                source_type="delta_table",
                source=_json(source | {"filter": f"{mine} AND split = '{split}'"}),
                schema=_json({"mlflow_colspec": COLUMNS}),
                profile=_json({"num_rows": rows}),
            )
            context = {"train": "training", "val": "validation", "test": "testing"}[split]
            inputs.append(DatasetInput(entity, tags=[InputTag("mlflow.data.context", context)]))
        run_id = self.run_id if on_parent else self._late_run(name)
        self.client.log_inputs(run_id, inputs)
        tags = {PLACE: table_path, DIGEST: manifest["content_digest"], VERSION_OF: manifest["dataset"]}
        # The number last, because it says that all is there.
        for key, value in (tags | {VERSION: manifest["dataset_version"]}).items():
            self.client.set_tag(run_id, key, str(value))


def _json(value: Any) -> str:
    import orjson

    return orjson.dumps(value).decode()


def start(recipe: Recipe, lake: str, run_id: str, code_version: str, warn: Callable[[str], None]) -> Tracker:
    """Open the parent run; without a reachable MLflow a tracker that does nothing, after one warning.

    lake: where it is. Who calls holds its lease: other runs of it that still seem to run were killed."""
    uri = uri_of(recipe)
    # MLflow's own seven tries of a server that is gone take minutes, and the run waits for them at its end.
    os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "2")
    tracker = Tracker(uri=without_secret(uri), warn=warn)
    try:
        from mlflow import MlflowClient

        for name in ("mlflow", "alembic"):  # a fresh store tells of every migration
            logging.getLogger(name).setLevel(logging.WARNING)
        tracker.client = MlflowClient(tracking_uri=uri)
        tracker.experiment_id = _experiment(tracker.client, recipe.tracking.experiment)
        _end_killed(tracker.client, tracker.experiment_id, lake)
        tags = {"sluice.run": run_id, "sluice.code_version": code_version, "sluice.recipe_digest": recipe.digest()}
        tags[LAKE] = lake
        run = tracker.client.create_run(tracker.experiment_id, run_name=recipe.dataset, tags=tags)
        tracker.run_id = run.info.run_id
    except Exception as error:  # the same reason as above
        tracker.client = None
        warn(f"MLflow at {tracker.uri} cannot be used ({type(error).__name__}); {UNTRACKED}")
    return tracker


def has_experiment(uri: str, experiment: str) -> bool:
    """Whether a server has the experiment; raises what MLflow does where it cannot be asked, or does not let us."""
    os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "2")
    os.environ.setdefault("MLFLOW_CONFIGURE_LOGGING", "false")
    from mlflow import MlflowClient

    return MlflowClient(tracking_uri=uri).get_experiment_by_name(experiment) is not None


def uri_of(recipe: Recipe) -> str:
    """Where the recipe's runs are tracked."""
    return recipe.tracking.uri or os.environ.get("MLFLOW_TRACKING_URI") or _platform_uri() or LOCAL_URI


def _experiment(client: Any, name: str) -> str:
    found = client.get_experiment_by_name(name)
    return str(found.experiment_id if found else client.create_experiment(name))


def _end_killed(client: Any, experiment_id: str, lake: str) -> None:
    for run in client.search_runs([experiment_id], "attributes.status = 'RUNNING'"):
        if run.data.tags.get(LAKE) == lake:
            client.set_terminated(run.info.run_id, "KILLED")


def _platform_uri() -> str | None:
    return "databricks" if "DATABRICKS_RUNTIME_VERSION" in os.environ else None


def without_secret(uri: str) -> str:
    """A URI that may be shown: without the user and password in it."""
    scheme, at, rest = uri.rpartition("@")
    return f"{scheme.split('://')[0]}://***@{rest}" if at else uri
