"""The house by numbers: few siblings, no full folder, one name a class, a map in each room."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import click
import pytest

from evalsets.cases import Case
from harness.cli.main import cli
from harness.record.base import State
from harness.record.lifecycle import TRANSITIONS
from tests.house.case_path import word
from tests.house.counts import (
    called_by_nobody,
    files_by_folder,
    header_lines,
    own_for_types_alone,
    public_classes,
    siblings,
    twins,
)
from tests.house.tracer.sitecustomize import NO_OTHER, OTHERS, STEPS, Tracer

ROOT = Path(__file__).parent.parent
README = ROOT / "README.md"
RULES = ROOT / "CONTRIBUTING.md"
MAPS = sorted(
    path
    for room in ("harness", "providers", "evalsets", "reports", "tests", "configs")
    for path in (ROOT / room).rglob("README.md")
)
ROOMS = ("harness", "providers", "evalsets", "reports", "tests", "configs")
NO_TWINS = {
    ("Answers", "*"): "everybody's word: a feature's in labelling, a process's, those not used",
    ("Case", "ContentCase"): "a case with both models' answers, for the owner's eyes alone",
    ("Facts", "*"): "what a page states; behind a word, what a record keeps",
    ("Lane", "LaneCounts"): "of a lane: what happened on it",
    ("Lane", "LaneLimits"): "of a lane: what it may take",
    ("Lane", "LaneQueue"): "of a lane: what waits for it",
    ("Look", "LookRow"): "a look as the record keeps it; one option's figures at it",
    ("Mark", "*"): "a drawing's mark; a level to pass; what a process left",
    ("Plan", "*"): "a review's; a run's, a search's, a replica's that is measured",
    ("Progress", "LiveProgress"): "fulfils the protocol, on a terminal",
    ("Progress", "PlainProgress"): "fulfils the protocol, in a log",
    ("Quality", "QualityLoss"): "points lost, as money weighs them; the record's whole quality",
    ("Quality", "QualityState"): "how far a quality is shown",
    ("Result", "*"): "pass, fail or undecided, in the record; a test's, a probe's",
    ("Row", "*"): "a table's on a page; a bill's, a plan's, a look's",
    ("Scorer", "ScorerSpec"): "what a scorer is made from",
    ("State", "*"): "a decision's, in the record; a ladder's, a server's",
    ("Test", "*"): "another tool's; of a change, of a part",
}
"""Names that the rule takes for twins, and what each of the two is."""
CALLED_BY_LIBRARIES = {
    "harness/cli/main.py": {"list_commands", "format_commands"},
    "harness/cli/pytest_plugin.py": {
        "pytest_addoption",
        "pytest_configure",
        "pytest_terminal_summary",
        "reportinfo",
        "repr_failure",
        "runtest",
    },
    "harness/conduct/tuning/rewriting.py": {"make_reflective_dataset"},
}
"""What click, pytest and gepa call by its name, and no file of ours."""
FOR_TYPES_ALONE = {
    ("harness/money/savings.py", "harness.money.interval"): "it loads numpy, which no page needs",
    ("harness/plan/model.py", "harness.stats.sequential.design"): (
        "it loads scipy, which no command needs that only reads a plan"
    ),
}
"""Own modules that are imported for the type checker alone, and why."""
SCREEN = 60
"""Lines of a room's map; its parts may have longer guides."""
_FENCE = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)
_PICTURE = re.compile(r"^```mermaid\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_DRAWN = re.compile(r"\w+(?:/\w+)+(?:\.py)?")
_LINK = re.compile(r"\]\(([^)#:]+)(?:#[^)]*)?\)")
_CODE = re.compile(r"`([^`\n]+)`")
_PATH = re.compile(
    r"(?:harness|providers|reports|tests|configs|\.ci)/[\w./-]+|[\w/]+\.py|evalsets/\w+\.py"
)
_COMMAND = re.compile(r"(?:^    |^\$ |`)rightsize ((?!\.)[^`\n]+)", re.MULTILINE)
_ARROW = re.compile(r"^  (\w+) --> (\w+): (\w+)$", re.MULTILINE)


def paths_named(text: str) -> list[str]:
    """Paths of this repository that a text links to or sets as code."""
    prose = _FENCE.sub("", text)
    drawn = [name for picture in _PICTURE.findall(text) for name in _DRAWN.findall(picture)]
    return drawn + _LINK.findall(prose) + [c for c in _CODE.findall(prose) if _PATH.fullmatch(c)]


def stands(name: str, readme: Path) -> bool:
    """Whether a path stands under the root, in `harness`, or beside the README that names it."""
    return any((base / name).exists() for base in (ROOT, ROOT / "harness", readme.parent))


def unknown_words(shown: str) -> list[str]:
    """A shown command's sub-command or options that `rightsize` does not have."""
    words = shown.partition("  ")[0].split()
    command: click.Command = cli
    while isinstance(command, click.Group) and words and not words[0].startswith("-"):
        inner = command.get_command(click.Context(command), words[0])
        if inner is None:
            return words[:1]
        command = inner
        words = words[1:]
    known = {"--help", *(option for each in command.params for option in each.opts)}
    return [each for each in words if each.startswith("--") and each not in known]


@pytest.mark.no_cover
def test_a_test_that_is_spared_the_tracer_is_not_traced() -> None:
    """Under xdist, too: one measurement that goes on where another pauses doubles its time."""
    assert not type(sys.gettrace()).__module__.startswith("coverage")


def test_the_files_whose_tests_are_not_traced_exist() -> None:
    listed = (ROOT / "tests" / "covered_elsewhere.txt").read_text().splitlines()
    names = [line for line in listed if not line.startswith("#")]
    assert names == sorted(set(names))
    assert [name for name in names if not (ROOT / name).is_file()] == []


def test_no_public_class_name_stands_twice() -> None:
    twice = {name: times for name, times in public_classes(ROOT).items() if times > 1}
    assert not twice


def test_no_public_class_is_a_twin_of_another_rooms() -> None:
    found = twins(ROOT)
    assert sorted(found - set(NO_TWINS)) == []
    assert sorted(set(NO_TWINS) - found) == [], "no twins any more: leave them out of the list"


def test_a_word_before_or_behind_makes_a_twin(tmp_path: Path) -> None:
    rooms = {
        "evalsets/cases.py": "class Case: ...\nclass Look: ...\n",
        "harness/tell/content.py": "from evalsets.cases import Case\nclass ContentCase: ...\n",
        "harness/bring/rows.py": "from evalsets.cases import Case\nclass CaseRow: ...\n",
        "harness/bring/reading.py": (
            "from evalsets.cases import Case\nclass KnownCase:\n    of: Case\n"
        ),
        "harness/judge/state.py": "from evalsets.cases import Case\nclass OldCase(Case): ...\n",
        "harness/record/parts.py": "from evalsets.cases import Case\nclass CaseFacts: ...\n",
        "reports/drawing.py": "class WideLook: ...\n",
    }
    for name, text in rooms.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    found = {("Case", "ContentCase"), ("Case", "CaseRow"), ("Case", "*")}
    assert twins(tmp_path) == found


def test_nothing_is_called_by_tests_alone() -> None:
    by_libraries = {
        f"{path}:{name}" for path, names in CALLED_BY_LIBRARIES.items() for name in names
    }
    assert called_by_nobody(ROOT) == by_libraries


def test_own_modules_are_imported_for_types_alone_only_where_that_keeps_a_start_light() -> None:
    assert own_for_types_alone(ROOT) == FOR_TYPES_ALONE.keys()


def test_at_most_fifteen_siblings_stand_under_harness() -> None:
    found = siblings(ROOT)
    assert 10 <= len(found) <= 15, found


def test_no_folder_holds_more_than_sixteen_python_files() -> None:
    found = files_by_folder(ROOT)
    assert found[Path("harness/record")] > 5
    assert not {str(folder): count for folder, count in found.items() if count > 16}


def test_a_header_ends_at_the_first_statement_that_is_no_import() -> None:
    head = '"""What."""\n\nimport os\n\nif TYPE_CHECKING:\n    from a import b\n\n'
    assert header_lines(f"{head}@decorated\ndef f(): ...\n\nimport sys\n") == 7
    assert header_lines(head) == 7
    assert header_lines("A = 1\n") == 0


@pytest.mark.parametrize("room", ROOMS)
def test_a_room_has_a_map_of_one_screen(room: str) -> None:
    lines = (ROOT / room / "README.md").read_text(encoding="utf-8").splitlines()
    assert 10 <= len(lines) <= SCREEN
    assert lines[0] == f"# {room}"


@pytest.mark.parametrize(
    "readme", [README, RULES, *MAPS], ids=lambda path: str(path.relative_to(ROOT))
)
def test_every_path_in_a_readme_stands(readme: Path) -> None:
    named = paths_named(readme.read_text(encoding="utf-8"))
    assert named
    assert not [name for name in named if not stands(name, readme)]


@pytest.mark.parametrize(
    "readme", [README, RULES, *MAPS], ids=lambda path: str(path.relative_to(ROOT))
)
def test_every_command_in_a_readme_is_one(readme: Path) -> None:
    shown = _COMMAND.findall(readme.read_text(encoding="utf-8"))
    assert not [(each, unknown) for each in shown if (unknown := unknown_words(each))]


def test_what_a_readme_names_wrongly_is_seen() -> None:
    text = (
        "`harness/none.py` [a](there.md) `policy.yaml`\n```\n`harness/fenced.py`\n```\n"
        '```mermaid\nA -->|"tell/gone.py: words"| B\n```\n'
    )
    assert paths_named(text) == ["tell/gone.py", "there.md", "harness/none.py"]
    assert not stands("harness/none.py", README)
    (shown,) = _COMMAND.findall("    rightsize gate --never   # why\n")
    assert unknown_words(shown) == ["--never"]
    assert unknown_words("import never") == ["never"]


def test_the_readme_is_half_of_what_it_was() -> None:
    assert len(README.read_bytes()) <= 13_000


def test_the_picture_of_a_decisions_states_is_the_table_of_moves() -> None:
    text = (ROOT / "harness" / "README.md").read_text(encoding="utf-8")
    drawn = {(State(start), State(end)): actor for start, end, actor in _ARROW.findall(text)}
    told = {State.SUPERSEDED, State.EXPIRED}
    moves = {
        (start, end): actor.value
        for (start, end), actors in TRANSITIONS.items()
        for actor in actors
        if not told & {start, end} and start is not end
    }
    assert drawn == moves


def test_ten_files_are_read_in_order() -> None:
    text = (ROOT / "harness" / "README.md").read_text(encoding="utf-8")
    order = text.partition("Read in this order:")[2].partition("\n\n")[0]
    named = _CODE.findall(order)
    assert len(set(named)) == 10
    assert all((ROOT / name).is_file() for name in named)


def test_a_case_is_in_hand_by_itself_or_among_others() -> None:
    tracer = Tracer("/nowhere", -1, word(0))
    mine, other = (Case(id=f"t-{word(n)}", input="x", target="y", metadata={}) for n in (0, 1))
    assert tracer.held({"of": [mine]}, STEPS) == NO_OTHER
    assert tracer.held((mine, other), STEPS) == NO_OTHER | OTHERS
    assert tracer.held([other, 7, None], STEPS) == OTHERS
    assert tracer.held([[[mine]]], STEPS) == 0
    assert tracer.held(f"{word(0)} {word(1)}".encode(), 0) == NO_OTHER | OTHERS
