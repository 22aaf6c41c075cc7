"""Types of parameters.  Strict: YAML's `yes` is no number, and neither is a quoted one."""

from typing import Annotated

from pydantic import Field

Count = Annotated[int, Field(strict=True, ge=1)]
Share = Annotated[float, Field(strict=True, ge=0, le=1)]
# Of two texts that share anything at all.
Similarity = Annotated[float, Field(strict=True, gt=0, le=1)]
