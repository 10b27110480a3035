"""`evalset.yaml`, as its users write it: strict, final, every key documented here."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Discriminator, Field, Tag

Points = Annotated[float, Field(ge=0.01, le=100)]
Protect = Literal["alarm", "proven"]


class FileModel(BaseModel):
    """Base for everything read from a file: unknown keys are errors, values are final."""

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        use_attribute_docstrings=True,
        populate_by_name=True,
        allow_inf_nan=False,
    )


class ScorerConfig(FileModel):
    """A scorer by name, with its options."""

    model_config = ConfigDict(extra="allow", frozen=True, use_attribute_docstrings=True)

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
    """Without it every column is a key of a case: id, input, target, choices, metadata."""


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
