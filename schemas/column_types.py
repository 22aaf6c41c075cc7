"""Column types, and columns that several tables share."""

from pyspark.sql import types as T

from schemas.table import column

STRING, LONG, INT, DOUBLE, BOOL = T.StringType(), T.LongType(), T.IntegerType(), T.DoubleType(), T.BooleanType()
TIMESTAMP, BYTES = T.TimestampType(), T.BinaryType()
STRINGS = T.ArrayType(STRING)
LONGS = T.ArrayType(LONG)
FLOATS = T.ArrayType(T.FloatType())
COUNTS = T.MapType(STRING, LONG)
WEIGHTS = T.MapType(STRING, DOUBLE)
NAMES = T.MapType(STRING, STRING)


def structs(**fields: T.DataType) -> T.ArrayType:
    """An array of structs. Delta cannot hold NOT NULL inside arrays, so every field is nullable."""
    return T.ArrayType(T.StructType([T.StructField(name, kind) for name, kind in fields.items()]))


# One turn of a chat; whatever else the turn brought (tool calls, content parts, names) is JSON in `extra`.
MESSAGES = structs(role=STRING, content=STRING, extra=STRING)
MATCHES = structs(document_id=STRING, similarity=DOUBLE)
SPANS = structs(start=INT, end=INT, label=STRING)

DOCUMENT_ID = column("document_id", STRING, "first 32 hex of sha2-256 of the example's canonical JSON", required=True)
DATASET = column("dataset", STRING, "name of the dataset (a recipe)", required=True)
DATASET_VERSION = column("dataset_version", LONG, "number from 1; a draft until its manifest stands", required=True)
FINGERPRINT = column("fingerprint", STRING, "digest of all that shaped the row: params, models, code", required=True)
ATTEMPT = column("attempt", INT, "number of the attempt, from 1", required=True)
ERROR = column("error", STRING, "kind of error of an attempt that failed, null where it did not")
FIT = column("fit", INT, "number of the fit, from 1; the highest is in force", required=True)
SCORER = column("scorer", STRING, "name of the scorer in the recipe", required=True)
CLUSTER_ID = column("cluster_id", INT, "number of the cluster, from 0; a refit keeps its meaning", required=True)
SPLIT = column("split", STRING, "train, val or test", required=True)
LEAK_GROUP_ID = column("leak_group_id", STRING, "smallest document id of its leak group", required=True)

KNOWN_SPLIT = {"known_split": "split IN ('train', 'val', 'test')"}
