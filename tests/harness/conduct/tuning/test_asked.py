"""`tune: [incumbent]` in a feature's file: who is asked, what is sought, and what says so."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

import pytest

from harness.cli import options
from harness.cli.main import run
from harness.conduct.opening import cycle_of
from harness.conduct.tuning.worth import untuned
from harness.errors import ExitCode
from harness.journal.earlier import tuning_spend
from harness.plan.planning import Selection, plan_review
from harness.workspace.workspace import load_workspace
from tests.support.reviews import CYCLE, NOW, write
from tests.support.tuning import LINES, heeding, write_tune_workspace
from tests.support.wire.openai_server import OpenAIServer

if TYPE_CHECKING:
    from pathlib import Path

    from harness.plan.model import FeaturePlan


def asking(root: Path, port: int, key: str) -> Path:
    """A workspace whose feature has this line more."""
    write_tune_workspace(root, port)
    write(root / "prompts" / "tickets" / "default.j2", "\n\n".join([*LINES, "{{ input }}\n"]))
    feature = root / "features" / "tickets.yaml"
    feature.write_text(f"{feature.read_text('utf-8')}{key}\n", encoding="utf-8")
    return root


def planned(root: Path) -> FeaturePlan:
    wanted = Selection()
    return plan_review(load_workspace(root), cycle=CYCLE, on=NOW.date(), wanted=wanted).features[0]


def test_todays_model_gets_the_same_chance_and_its_prompt_is_an_option(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with OpenAIServer(heeding) as server:
        root = asking(tmp_path, server.port, "tune: [incumbent, bad]")
        assert run(["plan", "-w", str(root)]) == ExitCode.OK
        told = capsys.readouterr().out
        assert "`tune:` asks for a prompt of big and bad, not sought yet: rightsize tune" in told
        assert run(["tune", "tickets", "-w", str(root)]) == ExitCode.OK
    shorter, better = capsys.readouterr().out.split("tickets, bad~tuned: ")
    assert shorter.startswith("tickets, big~tuned: ")
    assert "a month" in shorter.partition("wrote prompts/tickets/big~tuned.j2")[2]
    assert "wrote prompts/tickets/bad~tuned.j2" in better
    text = (root / "prompts" / "tickets" / "big~tuned.j2").read_text("utf-8")
    assert [line in text for line in LINES] == [False, True, False]
    plan = planned(root)
    assert untuned(plan, root) == ()
    asked = {one.name for one in plan.options if one.asked}
    assert asked >= {"bad", "bad~tuned", "big~tuned"}
    assert run(["plan", "-w", str(root)]) == ExitCode.OK
    assert "`tune:`" not in capsys.readouterr().out


def test_the_cap_is_of_all_searches_together(tmp_path: Path) -> None:
    cap = Decimal("0.0165")
    with OpenAIServer(heeding) as server:
        root = asking(tmp_path, server.port, "tune: [incumbent, bad]")
        code = run(["tune", "tickets", "-w", str(root), "--max-spend", str(cap)])
    journal, cycle = root / ".rightsize" / "journal.sqlite", cycle_of(None, options.now().date())
    spent = [
        tuning_spend(journal, "tickets", f"{name}~tuned", cycle=cycle) for name in ("big", "bad")
    ]
    assert 0 < sum(one.known_usd + one.possibly_billed_usd for one in spent) <= cap
    assert code in {ExitCode.CANNOT_TELL, ExitCode.BUDGET_REFUSED}


def test_without_the_key_and_without_a_model_nothing_is_sought(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    root = asking(tmp_path, 1, "")
    assert run(["tune", "tickets", "-w", str(root)]) == ExitCode.USAGE_ERROR
    (line,) = capsys.readouterr().err.splitlines()
    assert "--model: name the option whose prompt is sought, or state `tune: [incumbent]`" in line


@pytest.mark.parametrize(
    ("key", "told"),
    [
        ("tune: [bda]", "tune[0]: bda is neither `incumbent` nor a candidate; did you mean `bad`?"),
        ("tune: [good]", "tune[0]: good is neither `incumbent` nor a candidate"),
        ("tune: [incumbent, big]", "tune[1]: big is stated twice"),
        ("tune: [bad, bad]", "tune[1]: bad is stated twice"),
        ("tune: [bad~tuned]", "tune[0]: bad~tuned has a tuned prompt; name bad to tune it again"),
        ("tune: incumbent", "tune: "),
        ("tune: [incumbent]\nanswers: imported", "tune: there is no prompt of ours to tune"),
    ],
)
def test_a_key_that_asks_for_what_is_not_there_is_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], key: str, told: str
) -> None:
    root = asking(tmp_path, 1, key)
    assert run(["check", "-w", str(root)]) == ExitCode.USAGE_ERROR
    lines = capsys.readouterr().err + capsys.readouterr().out
    (line,) = (one for one in lines.splitlines() if ": tune" in one)
    assert told in line


@pytest.mark.parametrize("key", ["tune: [incumbent]", "tune: [big, bad]", "tune: []"])
def test_a_sound_key_is_no_problem(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], key: str
) -> None:
    assert run(["check", "-w", str(asking(tmp_path, 1, key))]) == ExitCode.OK
    assert "tune" not in capsys.readouterr().err
