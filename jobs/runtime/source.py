"""A source as a recipe declares it: where its records are, how they are read, and what of them is what."""

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, Field, field_validator, model_validator

from jobs.runtime.recipe_errors import nearest
from udfs.file_systems import secret_in
from udfs.known_shapes import SIGHT_REVISION
from udfs.payload_fields import DEFAULT_FIELDS, FIELD_NAMES, has_shape, read_fields
from udfs.transcode import encoding_name

# Python files say themselves what they are in.
FORMATS_OF_TEXT = ("text", "csv", "tsv", "json", "file")


class Source(BaseModel, frozen=True, extra="forbid"):
    """One source of records.

    path: file, folder, glob, URI, `asset:NAME/MEMBER`, `package:NAME` for format python, or a table for format delta.
    delimiter: one character, of format csv.
    encoding: of its files, such as gb18030, big5 or utf-16; auto takes for each file what it seems to be in.
    key: columns that identify a record; without one its content does.
    order_by: column that decides between two rows with one key in a batch, the greatest wins.
    on_vanish: what becomes of records that leave the source: keep them, or drop them.
    fields: what of a record is text, prompt, response, messages, rejected, label, labels, group, subject, license;
        text and chats that it does not map are known by sight.
    label, license: constants for every record of the source.
    """

    name: str = Field(pattern=r"^[\w.-]+$")
    path: str = Field(min_length=1)
    format: Literal["text", "csv", "tsv", "json", "python", "file", "parquet", "delta"]
    delimiter: str = Field(default=",", min_length=1, max_length=1)
    encoding: Annotated[str, AfterValidator(encoding_name)] = "utf-8"
    key: tuple[str, ...] = ()
    order_by: str | None = None
    on_vanish: Literal["keep", "drop"] = "keep"
    fields: dict[str, Any] = {}
    label: str | None = None
    license: str | None = None

    @field_validator("key", mode="before")
    @classmethod
    def _one_key_is_a_list(cls, value: Any) -> Any:
        return (value,) if isinstance(value, str) else value

    @field_validator("path")
    @classmethod
    def _no_secrets(cls, value: str) -> str:
        if found := secret_in(value):
            raise ValueError(f"{found}, and a recipe is kept and logged: leave credentials to the environment")
        return value

    @model_validator(mode="after")
    def _mapping_is_whole(self) -> "Source":
        for name in self.fields:
            if name not in FIELD_NAMES:
                raise ValueError(f"fields: unknown field {name}; {nearest(name, FIELD_NAMES)}")
        read_fields(self.mapping())
        if self.is_seen() and self.format in DEFAULT_FIELDS:
            raise ValueError(f"fields: the columns of format {self.format} are known; map text, or prompt and response")
        if self.label is not None and not {"label", "labels"}.isdisjoint(self.fields):
            raise ValueError("label is a constant for every record, fields maps one too: give one of them")
        if self.delimiter in '\r\n\0"':
            raise ValueError(f"delimiter: {self.delimiter!r} cannot stand between fields")
        if self.delimiter != "," and self.format != "csv":
            raise ValueError(f"delimiter belongs to format csv, found {self.format}")
        if self.encoding != "utf-8" and self.format not in FORMATS_OF_TEXT:
            raise ValueError(f"encoding belongs to the formats {', '.join(FORMATS_OF_TEXT)}, found {self.format}")
        return self

    def identity(self) -> dict[str, Any]:
        """What its records are told apart by, as source_files keeps it."""
        format = self.format if self.encoding == "utf-8" else f"{self.format}@{self.encoding}"
        format = format if self.delimiter == "," else f"{format} {self.delimiter}"
        return {"format": format, "record_key": list(self.key), "order_by": self.order_by}

    def mapping(self) -> dict[str, Any]:
        """What of a record is what; formats whose columns are known need no `fields`."""
        return dict(self.fields) or dict(DEFAULT_FIELDS.get(self.format, {}))

    def is_seen(self) -> bool:
        """Whether text and chats are known by sight (`udfs.known_shapes`)."""
        return not has_shape(self.mapping())

    def shaping(self) -> dict[str, Any]:
        """The part of the source that shapes cleaned rows: its mapping and constants, not its place."""
        shaped = self.model_dump(mode="json", include={"name", "format", "fields", "label", "license"})
        return shaped | ({"sight": SIGHT_REVISION} if self.is_seen() else {})
