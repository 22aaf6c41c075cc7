"""Types of parameters.  Strict: YAML's `yes` is no number, and neither is a quoted one."""

import re
from typing import Annotated, Any

from pydantic import BeforeValidator, Field


def _number(value: Any) -> Any:
    """YAML 1.1 reads 1e-4 as a text, for it has no point."""
    is_one = isinstance(value, str) and re.fullmatch(r"[-+]?\d+(\.\d*)?[eE][-+]?\d+", value)
    return float(value) if is_one else value


Count = Annotated[int, Field(strict=True, ge=1)]
Number = Annotated[float, BeforeValidator(_number), Field(strict=True)]
Share = Annotated[Number, Field(ge=0, le=1)]
# Of two texts that share anything at all.
Similarity = Annotated[Number, Field(gt=0, le=1)]
