"""A table as the lines of a case file: Parquet, CSV, a data set on disk or on the hub.

Each row becomes the JSON line that it would be in `cases.jsonl`, so the same rules read both. A
null, and an empty cell of a CSV file, is a key that was left out. CSV is read as text with the
standard library: a type that is inferred changes values. The rest is read by Hugging Face
`datasets` (extra `[review]`), which is loaded here and nowhere else.
"""

from __future__ import annotations

import csv
import json
import logging
import re
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager
from io import StringIO
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, cast

from evalsets.files import ColumnsConfig, DatasetConfig
from evalsets.samples import KEYS, inside
from evalsets.source import read_text
from evalsets.validation import suggestion

Record = dict[str, object]

TABLES = frozenset({".csv", ".parquet"})
_LARGEST_CELL = 16 << 20
_HUB_NAME = re.compile(r"[A-Za-z0-9][\w.-]*/[\w.-]+")


class TableError(ValueError):
    """Why a table cannot be read; `path` is the key of `evalset.yaml` that is at fault."""

    def __init__(self, path: tuple[str, ...], message: str) -> None:
        super().__init__(message)
        self.path = ("cases", *path)


def table_lines(folder: Path, config: DatasetConfig, *, shown: str) -> list[str]:
    """A JSON line for each row; a blank one for each line of a CSV file that begins no row.

    Raises:
        TableError: nothing is there, or it is no table, or it lacks a column.
        SourceError: the file cannot be read as text.
    """
    path = inside(folder, config.dataset)
    if path is None or path == folder.resolve():
        message = "must name a table in the eval set's own folder, or owner/name on the hub"
        raise TableError(("dataset",), message)
    if path.suffix in TABLES:
        return _of_file(path, config, shown=shown)
    if path.is_dir():
        _refuse(config, "revision", "is only for a data set on the hub")
        return _of_library(lambda library: _from_disk(library, path), config)
    if _HUB_NAME.fullmatch(config.dataset) is None:
        message = f"{shown} is missing; a data set on the hub is named owner/name"
        raise TableError(("dataset",), message)
    hint = f"; nor is there a folder {shown}"
    return _of_library(lambda library: _from_hub(library, config), config, hint)


def _of_file(path: Path, config: DatasetConfig, *, shown: str) -> list[str]:
    for key in ("split", "revision"):
        _refuse(config, key, "is only for a data set on disk or on the hub")
    if not path.is_file():
        raise TableError(("dataset",), f"the file {shown} is missing")
    if path.suffix == ".csv":
        return _of_csv(read_text(path, shown=shown), config)
    return _of_library(lambda library: _from_parquet(library, path), config)


def _refuse(config: DatasetConfig, key: str, message: str) -> None:
    if getattr(config, key) is not None:
        raise TableError((key,), message)


def _of_csv(text: str, config: DatasetConfig) -> list[str]:
    csv.field_size_limit(_LARGEST_CELL)
    reader = csv.reader(StringIO(text), strict=True)
    lines: list[str] = []
    try:
        names = next(reader, list[str]())
        named = _named(config.columns, names)
        for cells in reader:
            if len(cells) not in {0, len(names)}:
                message = f"line {reader.line_num} has {len(cells)} cells, the header {len(names)}"
                raise TableError(("dataset",), message)
            lines += [""] * (reader.line_num - 1 - len(lines))
            row = {name: cell for name, cell in zip(names, cells, strict=False) if cell}
            lines.append(json.dumps(named(row)) if cells else "")
    except csv.Error as error:
        message = f"is no CSV: line {reader.line_num}: {error}"
        raise TableError(("dataset",), message) from None
    return lines


def _of_library(load: Callable[[Any], Any], config: DatasetConfig, hint: str = "") -> list[str]:
    try:
        import datasets  # noqa: PLC0415  # extra [review]; the base install has no datasets
    except ModuleNotFoundError:
        message = "needs datasets, which is not installed: pip install 'model-rightsizing[review]'"
        raise TableError(("dataset",), message) from None
    library = cast("Any", datasets)
    library.disable_progress_bars()
    try:
        with _quiet():
            found = _split_of(load(library), config)
            rows = cast("list[Record]", found.with_format("arrow")[:].to_pylist())
    except TableError:
        raise
    except Exception as error:  # noqa: BLE001  # whatever a broken file or an unreachable hub raises
        raise TableError(("dataset",), _cannot(error) + hint) from None
    for name, feature in found.features.items():
        if isinstance(feature, library.ClassLabel):
            for row in rows:
                row[name] = None if row[name] is None else feature.int2str(row[name])
    named = _named(config.columns, list(found.column_names))
    return [_line(named(row), at) for at, row in enumerate(rows, start=1)]


def _from_parquet(library: Any, path: Path) -> Any:  # noqa: ANN401  # datasets has no types
    """In memory: nothing of the cases stays in a cache."""
    with TemporaryDirectory(prefix="rightsize-") as cache:
        return library.Dataset.from_parquet(str(path), cache_dir=cache, keep_in_memory=True)


def _from_disk(library: Any, path: Path) -> Any:  # noqa: ANN401  # datasets has no types
    return library.load_from_disk(str(path), keep_in_memory=True)


def _from_hub(library: Any, config: DatasetConfig) -> Any:  # noqa: ANN401  # datasets has no types
    return library.load_dataset(config.dataset, revision=config.revision)


def _split_of(found: Any, config: DatasetConfig) -> Any:  # noqa: ANN401  # datasets has no types
    """The split that is named; the only one where none is."""
    if not isinstance(found, dict):
        _refuse(config, "split", "the data set has no splits; leave it out")
        return found
    splits = cast("dict[str, object]", found)
    if config.split is None and len(splits) == 1:
        return next(iter(splits.values()))
    if config.split is None:
        raise TableError(("split",), f"is required: the data set has {', '.join(sorted(splits))}")
    if config.split not in splits:
        message = f"the data set has no split {config.split!r}{suggestion(config.split, splits)}"
        raise TableError(("split",), message)
    return splits[config.split]


def _cannot(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    return f"cannot be read: {lines[0].rstrip('.:') if lines else type(error).__name__}"


def _named(
    columns: ColumnsConfig | None, names: Sequence[str]
) -> Callable[[Mapping[str, object]], Record]:
    """What makes a row's keys from its columns; all columns are keys where none is named."""
    for name in names:
        if list(names).count(name) > 1:
            raise TableError(("dataset",), f"the column `{name}` is stated twice")
    if columns is None:
        for name in names:
            if name not in KEYS:
                message = f"unknown column `{name}`{suggestion(name, KEYS)}; or name `columns`"
                raise TableError(("dataset",), message)
        return lambda row: {key: value for key, value in row.items() if value is not None}
    single, several = _wanted(columns, names)
    return lambda row: {
        **{key: row[name] for key, name in single.items() if row.get(name) is not None},
        **({"metadata": {name: row.get(name) for name in several}} if several else {}),
    }


def _wanted(columns: ColumnsConfig, names: Sequence[str]) -> tuple[dict[str, str], tuple[str, ...]]:
    single = {
        key: name
        for key in ("id", "input", "target", "choices", "context")
        if (name := cast("str | None", getattr(columns, key))) is not None
    }
    for key, name in [*single.items(), *(("metadata", name) for name in columns.metadata)]:
        if name not in names:
            message = f"the data set has no column {name!r}{suggestion(name, names)}"
            raise TableError(("columns", key), message)
    return single, columns.metadata


def _line(row: Record, number: int) -> str:
    for name, value in row.items():
        try:
            json.dumps(value, default=_no_json)
        except TypeError as error:
            message = f"row {number}: the column `{name}` holds a {error}; make it a text"
            raise TableError(("dataset",), message) from None
    return json.dumps(row)


def _no_json(value: object) -> object:
    raise TypeError(type(value).__name__)


@contextmanager
def _quiet() -> Generator[None]:
    """What the libraries would log stands in the one line of the error."""
    loggers = [logging.getLogger(name) for name in ("datasets", "huggingface_hub")]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)
