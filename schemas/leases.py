"""Leases. One row is one heartbeat of a run that holds the lake."""

from pyspark.sql import types as T

from schemas.column_types import BOOL, DOUBLE, LONG, STRING, TIMESTAMP
from schemas.table import Table, column

LEASES = Table(
    name="leases",
    columns=T.StructType(
        [
            column("run_id", STRING, "id of the run that holds the lake", required=True),
            column("beat", LONG, "number of the heartbeat, from 0", required=True),
            column("host", STRING, "host of the owner", required=True),
            column("pid", LONG, "process of the owner", required=True),
            column("process_started", DOUBLE, "start time of that process, seconds since 1970", required=True),
            column("heartbeat_at", TIMESTAMP, "when, UTC", required=True),
            column("expires_at", TIMESTAMP, "when it may be taken over, UTC", required=True),
            column("released", BOOL, "true on the last row of a run that ended", required=True),
        ]
    ),
    key=(
        "run_id",
        "beat",
    ),
    lifetime="ledger",
)
