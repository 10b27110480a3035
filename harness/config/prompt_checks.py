"""The prompt files of a workspace: each one's syntax, and whether every model gets one."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from evalsets.prompts import check_template
from evalsets.source import SourceError, read_text
from evalsets.validation import suggestion
from harness.config.feature_checks import named_options
from harness.config.options import split_option
from harness.config.prompts import DEFAULT, prompt_path
from harness.config.reading import problem_of
from harness.errors import Problem

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from harness.config.files import FeatureConfig
    from harness.config.reading import Entry, Reading

_LINE = re.compile(r"line (\d+): (.*)", re.DOTALL)


def prompt_problems(reading: Reading) -> Iterator[Problem]:
    """Every problem of the prompts of the features that could be read."""
    for name, entry in reading.features.items():
        yield from _absent(reading, name, entry)
        folder = reading.root / "prompts" / name
        for path in sorted(folder.glob("*.j2")):
            yield from _template(reading, path)
            yield from _named(reading, path)


def _absent(reading: Reading, name: str, entry: Entry[FeatureConfig]) -> Iterator[Problem]:
    models = {model: known.config for model, known in reading.models.items()}
    asked = [option for _, option in named_options(entry.config)]
    if entry.config.candidates == "auto":
        data = entry.config.data
        asked += [model for model, config in models.items() if data in config.may_see]
    without = sorted(
        {
            option
            for option in asked
            if split_option(option)[0] in models
            and prompt_path(reading.root, name, option, models) is None
        }
    )
    if without:
        message = f"no prompt for {', '.join(without)}; write prompts/{name}/{DEFAULT}.j2"
        yield Problem(file=f"prompts/{name}/", line=None, key="", message=message)


def _template(reading: Reading, path: Path) -> Iterator[Problem]:
    shown = path.relative_to(reading.root).as_posix()
    try:
        text = read_text(path, shown=shown)
    except SourceError as error:
        yield from (problem_of(fault) for fault in error.faults)
        return
    if not text.strip():
        yield Problem(file=shown, line=None, key="", message="the prompt is empty")
    elif (why := check_template(text)) is not None:
        at = _LINE.fullmatch(why)
        line, message = (int(at[1]), at[2]) if at else (None, why)
        yield Problem(file=shown, line=line, key="", message=f"bad template: {message}")


def _named(reading: Reading, path: Path) -> Iterator[Problem]:
    """A file that no model, effort or family is called after would never be used."""
    families = {entry.config.family for entry in reading.models.values()}
    known = {DEFAULT, *reading.model_names, *(family for family in families if family)}
    if reading.all_models_named and split_option(path.stem)[0] not in known:
        shown = path.relative_to(reading.root).as_posix()
        message = f"no model or family is called {path.stem!r}{suggestion(path.stem, known)}"
        yield Problem(file=shown, line=None, key="", message=message, severity="warning")
