"""What of a program is wrong for its candidates, known beforehand: without a plan.

Some of what it sends does not cross to a candidate of another vendor. The program itself says what
it sends, so its source is looked through for the names of fields that the candidate's wires have
nothing for. A name may mean something else there: it is a warning.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import get_args

from evalsets.source import KeyPath
from harness.ask.programs.translation.rows import CARRIED, PLAIN, WRITTEN
from harness.ask.programs.wires import VENDOR_WIRES
from harness.errors import Problem
from harness.money.prices.model_catalogue import facts
from harness.workspace.feature_file import FeatureConfig, ProgramConfig
from harness.workspace.model_file import ModelConfig, OmittedName, split_option
from harness.workspace.programs.digests import program_folder
from harness.workspace.reading import ParsedFile, Reading
from providers.provider import Api

SOURCES = frozenset({".py", ".js", ".mjs", ".cjs", ".ts", ".go", ".rb", ".java", ".kt", ".cs"})
LARGEST_SOURCE = 2**20
TOO_COMMON = frozenset({"n", "functions", "include", "store"})
"""Fields whose names say too little in a source."""
_PARTS: Mapping[str, str] = {"tools": "tools", "images": "image_url|input_image|inline_data"}
"""Capabilities, and words by which a program sends what needs them."""
_INNER_CAPITAL = re.compile(r"(?<=[a-z])([A-Z])")


def uncrossing(reading: Reading, entry: ParsedFile[FeatureConfig], name: str) -> Iterator[Problem]:
    """Fields that a program names and a candidate's vendor has nothing for."""
    config, program = entry.config, entry.config.program
    incumbent = reading.models.get(config.incumbent)
    if program is None or incumbent is None or config.candidates == "auto":
        return
    asked_in = VENDOR_WIRES.get(incumbent.config.provider, frozenset())
    sources = list(_sources(reading, name, program))
    for at, option in enumerate(config.candidates):
        model = reading.models.get(split_option(option)[0])
        if model is None:
            continue
        key: KeyPath = ("candidates", at)
        for problem in _of_candidate(option, model.config, asked_in, sources):
            yield entry.problem(key, problem, severity="warning")


def boundless(reading: Reading, entry: ParsedFile[FeatureConfig]) -> Iterator[Problem]:
    """Models of a program of which nothing says how long an answer can be."""
    config = entry.config
    if config.program is None:
        return
    named: list[tuple[KeyPath, str]] = [
        (("program", "roles", role), name) for role, name in config.program.roles.items()
    ]
    if config.candidates != "auto":
        named += [(("candidates", at), name) for at, name in enumerate(config.candidates)]
    for key, name in named:
        model = reading.models.get(name)
        known = None if model is None else facts(name, model.config)
        if known is not None and not (known.window_tokens or known.max_output_tokens):
            message = (
                f"{name} states no `window_tokens`, and no catalogue does: it bounds what a "
                "program's call without a limit of its own may cost"
            )
            yield entry.problem(key, message)


def _of_candidate(
    option: str, model: ModelConfig, asked_in: frozenset[Api], sources: list[tuple[str, str]]
) -> Iterator[str]:
    spoken = VENDOR_WIRES.get(model.provider, frozenset())
    if not asked_in & spoken:
        for word, omit in sorted(_uncarried(asked_in, spoken).items()):
            file = _naming(word, sources)
            if file is not None and omit not in model.omit:
                way = f", or state `omit: [{omit}]` in its entry" if omit else ""
                yield (
                    f"{option} speaks another wire than the program, and has no {word!r}, "
                    f"which {file} names: a call that sends it is refused; leave it out{way}"
                )
    known = facts(option, model).capabilities
    for capability, words in _PARTS.items():
        file = None if known is None or capability in known else _naming(words, sources)
        if file is not None:
            yield f"{option} takes no {capability}, and {file} seems to send some"


def _uncarried(asked_in: frozenset[Api], spoken: frozenset[Api]) -> Mapping[str, str | None]:
    """Fields of the program's wires that the candidate's lack, with what `omit` calls them."""
    found: dict[str, str | None] = {row.field: None for row in PLAIN if row.wire in asked_in}
    carried = {row.field for row in CARRIED if any((row.part, wire) in WRITTEN for wire in spoken)}
    for row in CARRIED:
        if row.wire in asked_in and row.field not in carried:
            found[row.field] = row.part if row.part in get_args(OmittedName) else None
    names = {field.rpartition(".")[2]: omit for field, omit in found.items()}
    return {name: omit for name, omit in names.items() if name not in TOO_COMMON}


def _naming(words: str, sources: list[tuple[str, str]]) -> str | None:
    """The first file that names a field as one that is set; Google's SDK writes it in its way."""
    both = f"{words}|{_INNER_CAPITAL.sub(lambda at: f'_{at[1].lower()}', words)}"
    named = re.compile(rf"(?<![\w.\-])[\"']?(?:{both})[\"']?\s*[=:](?!=)")
    return next((file for file, text in sources if named.search(text)), None)


def _sources(reading: Reading, name: str, program: ProgramConfig) -> Iterator[tuple[str, str]]:
    folder = program_folder(reading.root, name, program)
    for path in sorted(folder.rglob("*")) if folder.is_dir() else ():
        if path.suffix in SOURCES and _readable(path):
            text = path.read_text(encoding="utf-8", errors="replace")
            yield path.relative_to(folder).as_posix(), text


def _readable(path: Path) -> bool:
    return path.is_file() and not path.is_symlink() and path.stat().st_size <= LARGEST_SOURCE
