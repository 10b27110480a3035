"""An accepted cascade at the gate: its fallback, its dear model and its check are part of it.

One real review and signature; each scene is a change of the repository's files.
"""

from __future__ import annotations

import json
import shutil
from datetime import UTC, datetime
from pathlib import Path

import pytest

from harness.cli.main import run
from harness.record.lock import read_lock
from harness.record.stored import write_records
from tests.support.cascades import CASCADE, unsure_answers
from tests.support.reviews import CYCLE, Shape, inline_cluster, run_review, write_review_workspace
from tests.support.shops import CASES, FEATURE, LOCK, PROMPT, SETTINGS, W, both, edit, remove, write
from tests.support.wire.openai_server import OpenAIServer

pytestmark = [pytest.mark.xdist_group("gate-cascades"), pytest.mark.slow]

Step = type(edit("", "", ""))

PLACES = "escalates_in: 'shop:app/settings.toml#llm.fallback'"
CHECK = "accepts_in: 'shop:app/settings.toml#llm.accept'"
WHOLE = CASCADE.replace("}]", f", {PLACES}, {CHECK}}}]")
OLD = Path(__file__).parents[1] / "record" / "signed_before" / "rightsizing.lock"


def settings(model: str = "good", fallback: str = "big", accept: str = "not-unsure") -> Step:
    """Production's settings; a key without a value is not there."""
    keys = {"model": model, "fallback": fallback, "accept": accept}
    lines = [f'{key} = "{value}"' for key, value in keys.items() if value]
    return write(SETTINGS, "\n".join(["[llm]", *lines, ""]))


def stated(cascade: str) -> Step:
    return edit(FEATURE, WHOLE, cascade)


def relock(root: Path) -> None:
    assert run(["lock", "-w", str(root / W)]) == 0


@pytest.fixture(scope="module")
def signed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repository in which the cascade is accepted, locked and in production."""
    root = tmp_path_factory.mktemp("signed") / "shop"
    extra = f"used_in: shop:app/settings.toml#llm.model\n{WHOLE}"
    with OpenAIServer(unsure_answers) as server, inline_cluster() as cluster:
        write_review_workspace(root / W, server.port, Shape(candidates="good", extra=extra))
        records = run_review(root / W, cluster, now=datetime.now(UTC))
    write_records(records, root / W / "reviews" / CYCLE)
    by = ["--by", "dana.ruiz@example.com", "--cycle", CYCLE]
    assert run(["decide", "tickets", "accept", "-w", str(root / W), *by]) == 0
    relock(root)
    settings()(root)
    return root


@pytest.fixture
def shop(signed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    root = tmp_path / "shop"
    shutil.copytree(signed, root)
    monkeypatch.chdir(root)
    monkeypatch.delenv("GITHUB_STEP_SUMMARY", raising=False)
    return root


def test_the_lock_says_all_of_it(signed: Path) -> None:
    accepted = read_lock((signed / LOCK).read_text(encoding="utf-8")).features["tickets"].accepted
    assert accepted.cascade is not None
    assert accepted.cascade.model_dump() == {
        "first": "good",
        "accept_when": "not-unsure",
        "unsure": "not sure",
        "escalates_to": "big",
        "escalates_in": "shop:app/settings.toml#llm.fallback",
        "accepts_in": "shop:app/settings.toml#llm.accept",
    }


SCENES: dict[str, tuple[Step, int, str]] = {
    "in production": (settings(), 0, "gate: 1 feature matches the lock. pass"),
    "its check by the text that counts": (settings(accept="not sure"), 0, "pass"),
    "a place names the whole": (settings("good+not-unsure", "", ""), 0, "pass"),
    "not adopted yet": (settings("big", "", ""), 0, "gate: 1 feature matches the lock. pass"),
    "the fallback is dropped": (
        settings(fallback=""),
        3,
        "good+not-unsure -> good: shown to be worse than the limit",
    ),
    "the fallback is another model": (
        settings(fallback="bad"),
        3,
        "good+not-unsure -> good (not-unsure, else bad) at app/settings.toml#llm.model: no record",
    ),
    "the fallback is the cheap model itself": (settings(fallback="good"), 3, "EVIDENCE_MISSING"),
    "the check is another": (settings(accept="format"), 3, "good (format, else big)"),
    "the check is dropped": (settings(accept=""), 3, "good (no check, else big)"),
    "the first model is another": (settings("bad"), 3, "bad (not-unsure, else big)"),
    "the settings are broken": (write(SETTINGS, "[llm\n"), 4, "UNREADABLE"),
    "the settings are gone": (remove(SETTINGS), 4, "UNREADABLE"),
    "the fallback is no text": (
        write(SETTINGS, '[llm]\nmodel = "good"\nfallback = 3\naccept = "not-unsure"\n'),
        4,
        "app/settings.toml#llm.fallback: is no text but 3",
    ),
    "the file drops the cascade": (
        both(stated(""), settings()),
        3,
        "good+not-unsure -> good: shown to be worse than the limit",
    ),
    "the file states another check": (
        stated(WHOLE.replace("not-unsure", "format")),
        3,
        "good+not-unsure -> good (format, else big) at features/tickets.yaml: cascades",
    ),
    "the file states another text": (
        stated(WHOLE.replace("not sure", "no idea")),
        3,
        "good (not-unsure 'no idea', else big)",
    ),
    "the cheap model becomes the incumbent": (
        both(
            stated(""),
            edit(FEATURE, "incumbent: big", "incumbent: good"),
            edit(FEATURE, "candidates: [good]", "candidates: [bad]"),
        ),
        3,
        "good+not-unsure -> good",
    ),
    "the file states another dear model": (
        edit(FEATURE, "incumbent: big", "incumbent: bad"),
        3,
        "good (not-unsure 'not sure', else bad)",
    ),
    "nobody says where the fallback is": (
        both(stated(CASCADE), relock),
        4,
        "nobody says where production reads the model that it escalates to",
    ),
    "nobody says where the check is": (
        both(stated(WHOLE.replace(f", {CHECK}", "")), relock),
        0,
        "CHECK_NOT_SEEN",
    ),
    "the lock keeps the places that the file hides": (
        both(stated(CASCADE), settings(fallback="")),
        3,
        "SHOWN_WORSE",
    ),
    "its prompt changed": (
        write(PROMPT, "Which topic has this ticket? {{ input }}"),
        0,
        "prompt changed and nothing shows harm; provisional until the next review",
    ),
    "its eval set changed": (
        edit(CASES, 'Ticket number 7"', 'Ticket number 700"'),
        3,
        "the eval set changed and no record was made with it",
    ),
}


@pytest.mark.parametrize("name", SCENES)
def test_a_change_of_a_cascade(name: str, shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    change, code, says = SCENES[name]
    change(shop)
    capsys.readouterr()
    assert run(["gate", "-w", W, "--repo", "shop"]) == code, capsys.readouterr()
    assert says in " ".join(capsys.readouterr().out.split())


@pytest.mark.parametrize(
    ("change", "code", "says"),
    [
        (settings(), 0, "pass"),
        (settings(fallback=""), 3, "good+not-unsure -> good at app/settings.toml#llm.model"),
        (settings(fallback="bad"), 3, "good (not-unsure, else bad)"),
        (settings(accept=""), 3, "good (no check, else big)"),
    ],
)
def test_a_service_with_the_lock_alone_sees_it(
    change: Step, code: int, says: str, shop: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.move(shop / LOCK, shop / "rightsizing.lock")
    shutil.rmtree(shop / W)
    change(shop)
    assert run(["gate", "--repo", "shop", "--json"]) == code
    assert says in json.dumps(json.loads(capsys.readouterr().out))


def test_the_lock_command_says_what_the_gate_could_not_see(
    shop: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    stated(CASCADE)(shop)
    capsys.readouterr()
    relock(shop)
    said = capsys.readouterr().out
    assert "tickets: nobody says where production reads what good+not-unsure escalates to" in said


def test_a_lock_of_before_sees_the_cheap_model_only(
    shop: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """It has no key for more; `rightsize lock` writes it."""
    shutil.rmtree(shop / W)
    entry = json.loads(OLD.read_text(encoding="utf-8"))
    assert "cascade" not in entry["features"]["tickets"]["accepted"]
    entry["features"] = {"tickets": entry["features"]["tickets"]}
    (shop / "rightsizing.lock").write_text(json.dumps(entry), encoding="utf-8")
    assert run(["gate", "--repo", "shop"]) == 0
    assert "pass" in capsys.readouterr().out


def test_the_evaluation_before_the_gate_tests_the_cheap_model_alone(
    shop: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Where the fallback is dropped and no record compares, the test asks for a budget first."""
    (shop / W / "reviews" / CYCLE / "records" / "tickets.json").unlink()
    settings(fallback="")(shop)
    assert run(["gate", "-w", W, "--repo", "shop", "--run", "--max-spend", "0"]) == 5
    assert "tickets: the evaluation is expected to cost" in capsys.readouterr().err
