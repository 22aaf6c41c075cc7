"""Digests of whole frames that no order, partitioning or engine changes."""

from collections.abc import Sequence

from pyspark.sql import Column
from pyspark.sql import functions as F

# 60 bits each: sums of 2^60 numbers below 2^60 still fit a decimal(38, 0).
LANES = 4
LANE_HEX = 15


def frame_digest(columns: Sequence[str]) -> Column:
    """Aggregate: first 32 hex of the sha2-256 of the sums of the rows' digests and their number.

    columns: no floats among them, their last digits may depend on the engine."""
    row = F.sha2(F.to_json(F.struct(*columns), {"ignoreNullFields": "true"}), 256)
    lanes = [
        F.sum(F.conv(F.substring(row, 1 + lane * LANE_HEX, LANE_HEX), 16, 10).cast("decimal(38,0)"))
        for lane in range(LANES)
    ]
    return F.substring(F.sha2(F.concat_ws("/", F.count(F.lit(1)), *lanes), 256), 1, 32)
