"""`evalset.yaml`, as its users write it: strict, final, every key documented here."""

from __future__ import annotations

import ast
import inspect
from datetime import date
from itertools import pairwise
from textwrap import dedent
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Discriminator, Field, GetJsonSchemaHandler, Tag

if TYPE_CHECKING:
    from pydantic_core import CoreSchema

Points = Annotated[float, Field(ge=0.01, le=100)]
Protect = Literal["alarm", "proven"]


class Described(BaseModel):
    """A model whose JSON Schema describes each key by the docstring below it.

    pydantic can do this when a class is made (`use_attribute_docstrings`). It then parses every
    class's source in every command: a fifth of the time that `rightsize check` of the demo takes.
    """

    @classmethod
    def __get_pydantic_json_schema__(
        cls, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        found = handler(schema)
        properties = handler.resolve_ref_schema(found).get("properties", {})
        for name, text in cls.key_descriptions().items():
            alias = cls.model_fields[name].alias
            described = properties[alias if alias in properties else name]
            if handler.resolve_ref_schema(described).get("description") != text:
                described.setdefault("description", text)
        return found

    @classmethod
    def key_descriptions(cls) -> dict[str, str]:
        """By field name, the docstrings below the fields; those of base classes too."""
        told: dict[str, str] = {}
        for base in reversed(cls.__mro__):
            if issubclass(base, Described):
                told |= _docstrings(ast.parse(dedent(inspect.getsource(base))).body[0])
        return {name: text for name, text in told.items() if name in cls.model_fields}


def _docstrings(cls: ast.stmt) -> dict[str, str]:
    body = cls.body if isinstance(cls, ast.ClassDef) else []
    return {
        field.target.id: inspect.cleandoc(text.value.value)
        for field, text in pairwise(body)
        if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name)
        if isinstance(text, ast.Expr) and isinstance(text.value, ast.Constant)
        if isinstance(text.value.value, str)
    }


class FileModel(Described):
    """Base for everything read from a file: unknown keys are errors, values are final."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, populate_by_name=True, allow_inf_nan=False
    )


class ScorerConfig(FileModel):
    """A scorer by name, with its options."""

    model_config = ConfigDict(extra="allow", frozen=True)

    scorer: str
    """Name of a scorer, or `module:function`. Other keys are its options."""


class GuardrailConfig(ScorerConfig):
    """A second measure."""

    margin: Points
    """Largest acceptable loss on this measure, in points."""
    protect: Protect = "alarm"
    """`alarm`: vetoes when harm is shown; `proven`: must be shown non-inferior."""


class SliceConfig(FileModel):
    """Named cases that must hold by themselves."""

    margin: Points
    """Largest acceptable loss on these cases, in points."""
    protect: Protect = "alarm"
    """`alarm`: vetoes when harm is shown; `proven`: must be shown non-inferior."""


class SourceConfig(FileModel):
    """Where the cases come from."""

    kind: Literal["traffic", "written", "imported", "synthetic"]
    """Where the inputs come from."""
    valid_from: Annotated[date | None, Field(alias="from")] = None
    """First day of the inputs."""
    to: date | None = None
    """Last day of the inputs."""
    sampled: str | None = None
    """How they were drawn."""
    targets: Literal["human", "model", "program", "none"] = "human"
    """Who made the targets."""
    redacted: bool = False
    """Personal data was taken out."""
    note: str | None = None
    """One line for the document."""


class ColumnsConfig(FileModel):
    """Which columns of a table are read, and as what; no other is."""

    id: str | None = None
    """The case's id; without it the cases are numbered."""
    input: str
    """What is asked: a text, or chat messages."""
    target: str | None = None
    """The right answer, or a list of right ones."""
    choices: str | None = None
    """Answers to choose from."""
    context: str | None = None
    """What was found for it: a list of texts, or of objects with `text` and `id`."""
    metadata: tuple[str, ...] = ()
    """What is known of a case, for slices, clusters and prompts; by the column's own name."""


class DatasetConfig(FileModel):
    """Cases in a table instead of JSON Lines: one row a case."""

    dataset: str
    """A file (.parquet, .csv) or a saved data set in the eval set's folder, else owner/name on the
    Hugging Face hub."""
    split: str | None = None
    """Which part of a data set that has several: test."""
    revision: str | None = None
    """Commit or tag on the hub; without it the newest."""
    columns: ColumnsConfig | None = None
    """Without it every column is a key of a case: id, input, target, choices, context,
    metadata."""


class EvalSetConfig(FileModel):
    """`evalsets/<id>/evalset.yaml`."""

    cases: Annotated[
        Annotated[str, Tag("file")] | Annotated[DatasetConfig, Tag("table")],
        Discriminator(lambda value: "file" if isinstance(value, str) else "table"),
    ] = "cases.jsonl"
    """One case a line: {id, input, target?, metadata}; or a table."""
    labels: str = "labels.jsonl"
    """Labels made by people, append-only; may be absent."""
    grades: str = "grades.jsonl"
    """People's grades of open answers, append-only; a judge is held against them. May be absent."""
    unit: str = "cases"
    """What the cases are called on a page: invoices, tickets."""
    source: SourceConfig
    """Where the cases come from."""
    cluster: str | None = None
    """Metadata key: cases that share its value are not independent."""
    primary: ScorerConfig
    """The measure that decides."""
    guardrails: tuple[GuardrailConfig, ...] = ()
    """Second measures that must hold by themselves."""
    slices: dict[str, dict[str, SliceConfig]] = {}
    """By metadata key and value: cases that must hold by themselves."""
    tune: Annotated[int, Field(ge=0, le=10**9)] = 0
    """Cases kept for writing prompts, never for deciding."""
    repeats: Annotated[int, Field(ge=1, le=100)] = 1
    """Answers per case."""
    second_grader: ScorerConfig | None = None
    """Scores the same answers again: what it changes is shown, and decides nothing."""
    bar: Points | None = None
    """The incumbent's own minimum, in points."""
