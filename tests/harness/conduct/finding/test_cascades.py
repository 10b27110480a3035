"""A cascade through a whole review on a local server: one more option, for free."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest

from harness.cli.main import run
from harness.conduct.concluding.differences import disagreements
from harness.errors import UsageError
from harness.journal.journal import Journal
from harness.plan.planning import Selection, plan_review
from harness.record.base import Result, Verdict
from harness.record.model import dump, load
from harness.record.stored import write_records
from harness.stats.load import percentile
from harness.tell.pages import to_document
from harness.workspace.workspace import load_workspace
from reports.render import render
from tests.support.cascades import CASCADE, UNSURE, unsure_answers
from tests.support.reviews import (
    CYCLE,
    NOW,
    Shape,
    inline_cluster,
    run_review,
    write_review_workspace,
)
from tests.support.wire.openai_server import OpenAIServer
from tests.support.wire.reply import Reply

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.wire.reply import Body

pytestmark = pytest.mark.slow


def shape(**changes: object) -> Shape:
    values: dict[str, object] = {"cases": 300, "candidates": "good", "extra": CASCADE}
    return Shape(**(values | changes))  # type: ignore[arg-type]


@pytest.mark.parametrize("kind", ["ladder", "holm"])
def test_a_cascade_passes_where_its_model_alone_fails(tmp_path: Path, kind: str) -> None:
    with OpenAIServer(unsure_answers) as server, inline_cluster() as cluster:
        write_review_workspace(tmp_path, server.port, shape(kind=kind))
        (record,) = run_review(tmp_path, cluster)
        asked = len(server.log.calls)
    alone, cascade = record.options
    assert alone.result is Result.FAIL
    assert cascade.result is Result.PASS
    assert record.verdict is Verdict.DOWNGRADE
    assert record.chosen == "good+not-unsure"
    assert record.lever == cascade.lever == "cascade"
    assert cascade.quality is not None
    assert cascade.quality.difference == 0.0
    assert asked == record.evidence.spend.trials <= 600
    assert record.evidence.answers is None
    facts = cascade.cascade
    assert facts is not None
    assert (facts.first, facts.escalates_to) == ("good", "big")
    assert facts.escalated == pytest.approx(20.0, abs=2.0)
    (again,) = run_review(tmp_path, None, run_id="run-2")
    assert again.finding_sha256 == record.finding_sha256


def test_its_money_is_the_cheap_call_and_a_fifth_of_today_s(tmp_path: Path) -> None:
    with OpenAIServer(unsure_answers) as server, inline_cluster() as cluster:
        write_review_workspace(tmp_path, server.port, shape())
        (record,) = run_review(tmp_path, cluster)
    _, cascade = record.options
    million = Decimal(1_000_000)
    cheap, dear = 82 * Decimal("0.50") / million, 82 * Decimal("4.00") / million
    assert cascade.cost.per_request == pytest.approx(cheap + dear / 5)
    assert cascade.cost.rates is None
    assert record.savings is not None
    assert record.savings.monthly == Decimal(328) - Decimal(41) - Decimal(328) / 5
    assert sum(term.usd for term in record.bridge) == -record.savings.monthly
    assert record.savings.monthly_lower is not None
    assert record.savings.monthly_lower < record.savings.monthly < record.savings.monthly_upper  # type: ignore[operator]
    page = render(to_document(record, NOW), to="md")
    assert "20.0 % of the answers of good did not pass" in page
    assert "good+not-unsure: asked again" in page


def test_it_is_priced_again_without_a_call(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The same day gives the same bytes, and half the dear price the right month."""
    with OpenAIServer(unsure_answers) as server, inline_cluster() as cluster:
        write_review_workspace(tmp_path, server.port, shape())
        (record,) = run_review(tmp_path, cluster)
    write_records([record], tmp_path / "reviews" / CYCLE)
    words = ["reprice", "-w", str(tmp_path), "--cycle", CYCLE, "--on"]
    assert run([*words, "2026-11-24", "--out", str(tmp_path / "same")]) == 0
    assert "no price changed" in capsys.readouterr().out
    assert (tmp_path / "same" / "tickets.json").read_text(encoding="utf-8") == dump(record)
    models = next((tmp_path / "models").iterdir())
    text, lists = models.read_text(encoding="utf-8"), "price: [{from: 2026-09-01, input: 4.00"
    assert lists in text
    halved = "price: [{from: 2027-01-01, input: 2.00, output: 2.00, source: list}, "
    text = text.replace(lists, halved + lists.removeprefix("price: ["))
    models.write_text(text, encoding="utf-8")
    assert run([*words, "2027-01-10", "--out", str(tmp_path / "new")]) == 0
    assert "as they were" not in capsys.readouterr().out
    after = load((tmp_path / "new" / "tickets.json").read_text(encoding="utf-8"))
    assert after.savings is not None
    assert after.options[1].cost.monthly == Decimal(41) + Decimal(164) / 5
    assert after.savings.monthly == Decimal(164) - Decimal(41) - Decimal(164) / 5
    assert sum(term.usd for term in after.bridge) == -after.savings.monthly


def test_a_cascade_alone_asks_its_model_and_nothing_twice(tmp_path: Path) -> None:
    with OpenAIServer(unsure_answers) as server, inline_cluster() as cluster:
        write_review_workspace(tmp_path, server.port, shape(candidates=""))
        (record,) = run_review(tmp_path, cluster)
        asked = server.log.by_hash
    assert [option.target.option for option in record.options] == ["good+not-unsure"]
    assert record.verdict is Verdict.DOWNGRADE
    assert sum(asked.values()) == 600
    assert max(asked.values()) == 1


def test_its_times_are_a_mixture_of_both(tmp_path: Path) -> None:
    extra = CASCADE + "\nlatency: {p95_s: 30}"
    with OpenAIServer(unsure_answers) as server, inline_cluster() as cluster:
        write_review_workspace(tmp_path, server.port, shape(extra=extra))
        (record,) = run_review(tmp_path, cluster)
    latency = record.options[1].latency
    assert latency is not None
    assert latency.n >= 59
    took, lagged = live_times(tmp_path)
    # As the journal has them: the cheap model alone, or both one after the other.
    mixture = [
        seconds + (took["big", case, repeat] if int(case[2:]) % 5 == 0 else 0.0)
        for (option, case, repeat), seconds in took.items()
        if option == "good"
    ]
    assert len(mixture) >= 59
    assert latency.p50_s is not None
    assert latency.p95_s is not None
    if lagged:  # on a busy machine some were left out, and others took their places
        assert min(took.values()) <= latency.p50_s <= latency.p95_s <= 2 * max(took.values())
        return
    for level, found in ((0.5, latency.p50_s), (0.95, latency.p95_s)):
        expected = percentile(mixture, level)
        assert expected is not None
        assert found == pytest.approx(expected.value)


def live_times(root: Path) -> tuple[dict[tuple[str, str, int], float], bool]:
    """Seconds of each live call, and whether any was made while our own loop was late."""
    with closing(sqlite3.connect(root / ".rightsize" / "journal.sqlite")) as journal:
        rows = journal.execute(
            "SELECT option, case_id, repeat, total_s, lagged FROM attempts "
            "JOIN trials USING (fingerprint) WHERE purpose = 'latency'"
        ).fetchall()
    return {tuple(key): seconds for *key, seconds, _ in rows}, any(late for *_, late in rows)


def test_the_plan_prices_a_cascade_without_further_calls(tmp_path: Path) -> None:
    write_review_workspace(tmp_path, 9, shape())
    with_it = plan_review(load_workspace(tmp_path), cycle=CYCLE, on=NOW.date(), wanted=Selection())
    write_review_workspace(tmp_path, 9, shape(extra=""))
    alone = plan_review(load_workspace(tmp_path), cycle=CYCLE, on=NOW.date(), wanted=Selection())
    (first,), (second,) = with_it.features, alone.features
    assert [option.name for option in first.options] == ["good", "good+not-unsure"]
    assert first.money is not None
    assert second.money is not None
    assert first.money.calls == second.money.calls == 600
    assert first.plan_sha256 != second.plan_sha256


@pytest.mark.parametrize(
    ("cascade", "message"),
    [
        (
            "{first: gud, accept_when: format}",
            r":\d+: cascades.0..first: unknown model .gud.",
        ),
        (
            "{first: good, accept_when: vibes}",
            "accept_when: must be .schema., .format. or",
        ),
        ("{first: big, accept_when: format}", "big is the incumbent itself"),
        ("{first: good, accept_when: schema}", "schema needs `request"),
        (
            "{first: good, accept_when: format}, {first: good, accept_when: format}",
            r"good\+format is stated twice",
        ),
        (
            "{first: good, accept_when: format, escalates_in: 'shop:a.toml#b'}",
            "escalates_in: needs `used_in`",
        ),
        (
            "{first: good, accept_when: format, accepts_in: settings}",
            "accepts_in: must be repository:path#key, got 'settings'",
        ),
        (
            "{first: good, accept_when: format, escalates_in: 'o:a#b'}]\nused_in: 's:a#c'\ntags: [",
            "escalates_in: must be in s, as `used_in` is, got 'o:a#b'",
        ),
    ],
)
def test_a_mistake_is_one_line_that_says_where(tmp_path: Path, cascade: str, message: str) -> None:
    write_review_workspace(tmp_path, 9, shape(extra=f"cascades: [{cascade}]"))
    with pytest.raises(UsageError, match=message):
        load_workspace(tmp_path)


def test_where_production_reads_it_is_no_part_of_the_plan(tmp_path: Path) -> None:
    """So the places may be stated after the answers, and the record stays what it is."""
    write_review_workspace(tmp_path, 9, shape())
    without = plan_review(load_workspace(tmp_path), cycle=CYCLE, on=NOW.date(), wanted=Selection())
    places = "escalates_in: 'shop:a.toml#b', accepts_in: 'shop:a.toml#c'"
    extra = CASCADE.replace("}]", f", {places}}}]") + "\nused_in: 'shop:a.toml#a'"
    write_review_workspace(tmp_path, 9, shape(extra=extra))
    stated = plan_review(load_workspace(tmp_path), cycle=CYCLE, on=NOW.date(), wanted=Selection())
    assert stated.features[0].plan_sha256 == without.features[0].plan_sha256


def test_why_shows_what_a_cascade_kept_alone(tmp_path: Path) -> None:
    def sometimes_sure(body: Body) -> Reply:
        reply = unsure_answers(body)
        sure = reply.text == UNSURE and "Ticket number 100" in json.dumps(body.get("messages"))
        return Reply(text="billing", usage=reply.usage) if sure else reply

    with OpenAIServer(sometimes_sure) as server, inline_cluster() as cluster:
        write_review_workspace(tmp_path, server.port, shape())
        run_review(tmp_path, cluster)
    plan = plan_review(load_workspace(tmp_path), cycle=CYCLE, on=NOW.date(), wanted=Selection())
    with Journal.read(tmp_path / ".rightsize" / "journal.sqlite") as journal:
        found = list(disagreements(plan.features[0], journal))
    assert [one.case.id for one in found if one.option == "good+not-unsure"] == ["t-0100"]
    assert len([one for one in found if one.option == "good"]) == 30
    out = tmp_path / "pages"
    assert run(["why", "tickets", "-w", str(tmp_path), "--cycle", CYCLE]) == 2
    assert not out.exists()


def test_pages_of_a_cascade_have_a_name_of_their_own(tmp_path: Path) -> None:
    with OpenAIServer(unsure_answers) as server, inline_cluster() as cluster:
        write_review_workspace(tmp_path, server.port, shape(candidates="bad"))
        (record,) = run_review(tmp_path, cluster)
    write_records([record], tmp_path / "reviews" / CYCLE)
    out = tmp_path / "pages"
    words = ["why", "tickets", "-w", str(tmp_path), "--cycle", CYCLE]
    assert run([*words, "--include-content", str(out)]) == 0
    assert (out / "bad").is_dir()
