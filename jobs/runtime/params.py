"""Types of parameters.  Strict: YAML's `yes` is no number, and neither is a quoted one."""

import re
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, Field


def _number(value: Any) -> Any:
    """YAML 1.1 reads 1e-4 as a text, for it has no point."""
    is_one = isinstance(value, str) and re.fullmatch(r"[-+]?\d+(\.\d*)?[eE][-+]?\d+", value)
    return float(value) if is_one else value


Count = Annotated[int, Field(strict=True, ge=1)]
Number = Annotated[float, BeforeValidator(_number), Field(strict=True)]
Share = Annotated[Number, Field(ge=0, le=1)]
# Of two texts that share anything at all.
Similarity = Annotated[Number, Field(gt=0, le=1)]


class Budget(BaseModel, frozen=True, extra="forbid"):
    """How much a model may be asked for.

    rows: only so many documents of the dataset, those whose ids come first.  seconds: after these a run stops asking;
    what is done is kept, the next run goes on."""

    rows: Count | None = None
    seconds: Annotated[Number, Field(gt=0)] | None = None
