from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from harness.conduct.reviewing.session import NotInJournalError
from harness.plan.planning import QUICK_CASES, Selection
from harness.record.base import Finding, Reason, Result, Verdict
from tests.support.reviews import (
    NOW,
    Shape,
    answers,
    inline_cluster,
    run_review,
    write_review_workspace,
)
from tests.support.wire.openai_server import OpenAIServer
from tests.support.wire.reply import Reply

pytestmark = pytest.mark.slow

GENERATED = {"generated_at", "etag"}


def test_downgrades_to_the_cheapest_that_passes(tmp_path: Path) -> None:
    with OpenAIServer(answers) as server, inline_cluster() as cluster:
        write_review_workspace(tmp_path, server.port)
        (record,) = run_review(tmp_path, cluster)
        asked = len(server.log.calls)
    bad, good = record.options
    assert record.verdict is Verdict.DOWNGRADE
    assert record.chosen == "good"
    assert (bad.result, bad.reason_codes) == (Result.FAIL, (Reason.QUALITY_INFERIOR,))
    assert good.reason_codes == (Reason.NON_INFERIOR_AND_CHEAPER,)
    assert good.quality is not None
    assert good.quality.worst > -5
    assert asked == 900
    assert record.evidence.spend.total_usd == Decimal(82) * 300 * Decimal("4.75") / 1_000_000
    assert record.savings is not None
    assert record.savings.monthly == Decimal(287)
    assert sum(term.usd for term in record.bridge) == -record.savings.monthly


def test_a_second_run_asks_nothing_and_finds_the_same(tmp_path: Path) -> None:
    with OpenAIServer(answers) as server, inline_cluster() as cluster:
        write_review_workspace(tmp_path, server.port, Shape(cases=120, candidates="good"))
        (first,) = run_review(tmp_path, cluster)
    later = NOW + timedelta(days=1)
    (again,) = run_review(tmp_path, None, run_id="run-2", now=later)
    assert again.model_dump(exclude=GENERATED) == first.model_dump(exclude=GENERATED)
    assert again.finding_sha256 == first.finding_sha256


def test_without_a_cluster_a_missing_answer_is_named(tmp_path: Path) -> None:
    write_review_workspace(tmp_path, 9)
    with pytest.raises(NotInJournalError):
        run_review(tmp_path, None)


def test_the_cap_stops_a_review_and_a_higher_one_goes_on(tmp_path: Path) -> None:
    with OpenAIServer(answers) as server, inline_cluster() as cluster:
        write_review_workspace(tmp_path, server.port, Shape(cases=120, cap="0.02"))
        (stopped,) = run_review(tmp_path, cluster)
        first = len(server.log.calls)
        write_review_workspace(tmp_path, server.port, Shape(cases=120, cap="10"))
        (whole,) = run_review(tmp_path, cluster, run_id="run-2")
        asked = server.log.by_hash
    assert stopped.verdict is Verdict.UNDECIDED
    assert Reason.RUN_INCOMPLETE in stopped.reason_codes
    assert stopped.evidence.spend.total_usd <= Decimal("0.02")
    assert 0 < first < 360
    assert whole.verdict is not Verdict.UNDECIDED or whole.options[1].quality is not None
    assert sum(asked.values()) == 360
    assert max(asked.values()) == 1


def test_refused_before_spending_when_the_set_is_too_small(tmp_path: Path) -> None:
    with OpenAIServer(answers) as server, inline_cluster() as cluster:
        write_review_workspace(tmp_path, server.port, Shape(cases=40))
        (record,) = run_review(tmp_path, cluster)
        assert not server.log.calls
    assert record.verdict is Verdict.UNDECIDED
    assert record.reason_codes == (Reason.SAMPLE_TOO_SMALL,)


def test_a_quick_review_shows_and_cannot_be_accepted(tmp_path: Path) -> None:
    with OpenAIServer(answers) as server, inline_cluster() as cluster:
        write_review_workspace(tmp_path, server.port)
        (record,) = run_review(tmp_path, cluster, wanted=Selection(quick=True))
        assert len(server.log.calls) == 3 * QUICK_CASES
    assert record.evidence.exploratory == ("only a subset of the cases was asked (--quick)",)


def test_a_margin_changed_after_the_answers_is_exploratory(tmp_path: Path) -> None:
    with OpenAIServer(answers) as server, inline_cluster() as cluster:
        write_review_workspace(tmp_path, server.port, Shape(cases=120, candidates="good"))
        (first,) = run_review(tmp_path, cluster)
        changed = Shape(cases=120, candidates="good", extra="margin: 8")
        write_review_workspace(tmp_path, server.port, changed)
        (second,) = run_review(tmp_path, cluster, run_id="run-2")
        assert len(server.log.calls) == 240
    assert first.evidence.exploratory == ()
    assert len(second.evidence.exploratory) == 1
    assert second.evidence.eval_set.times_used == 2


def test_a_dead_model_leaves_the_feature_undecided(tmp_path: Path) -> None:
    def only_big(body: dict[str, object]) -> Reply:
        return answers(body) if body["model"] == "big" else Reply(status=401)

    with OpenAIServer(only_big) as server, inline_cluster() as cluster:
        write_review_workspace(tmp_path, server.port, Shape(cases=120, candidates="good"))
        (record,) = run_review(tmp_path, cluster)
    assert record.verdict is Verdict.UNDECIDED
    assert record.finding is Finding.INSUFFICIENT_EVIDENCE
    assert record.options[0].reason_codes == (Reason.RUN_INCOMPLETE,)
    assert record.still_needed is not None
    assert (record.still_needed.cases, record.still_needed.cost_usd) == (None, None)


def test_what_was_not_answered_hides_no_lever_and_claims_no_time(tmp_path: Path) -> None:
    shape = Shape(cases=120, candidates="good", extra="latency: {p95_s: 60}\nmode: deferrable")
    with (
        OpenAIServer(lambda _body: Reply(status=401)) as server,
        inline_cluster() as cluster,
    ):
        write_review_workspace(tmp_path, server.port, shape)
        (record,) = run_review(tmp_path, cluster)
    assert "time: it was not measured" in record.not_known
    assert record.levers


def test_latency_is_its_own_pass_of_sixty_live_requests(tmp_path: Path) -> None:
    with OpenAIServer(answers) as server, inline_cluster() as cluster:
        shape = Shape(cases=200, candidates="good", extra="latency: {p95_s: 60}")
        write_review_workspace(tmp_path, server.port, shape)
        (record,) = run_review(tmp_path, cluster)
        streamed = [call for call in server.log.calls if call.body.get("stream")]
    assert 120 <= len(streamed) <= 180
    assert record.current_latency is not None
    assert record.current_latency.n >= 60
    assert record.options[0].latency is not None
    assert record.options[0].latency.met is True


def test_a_slow_candidate_misses_its_limit(tmp_path: Path) -> None:
    """A busy machine may keep today's model, which answers at once, from the limit as well."""

    def slow(body: dict[str, object]) -> Reply:
        reply = answers(body)
        late = bool(body.get("stream")) and body["model"] == "good"
        return Reply(text=reply.text, usage=reply.usage, delay_s=0.1 if late else 0.0)

    with OpenAIServer(slow) as server, inline_cluster() as cluster:
        shape = Shape(cases=200, candidates="good", extra="latency: {p95_s: 0.099}")
        write_review_workspace(tmp_path, server.port, shape)
        (record,) = run_review(tmp_path, cluster)
    (option,) = record.options
    assert option.latency is not None
    assert option.latency.met is False
    counts = not option.latency.incumbent_misses_too
    assert (Reason.LATENCY_SLO_MISSED in option.reason_codes) is counts
    assert (record.verdict is Verdict.JUSTIFY) is counts


@pytest.mark.parametrize(
    ("old", "new", "status", "reason"),
    [
        ("incumbent: big", "incumbent: good", Verdict.JUSTIFY, Reason.SAVINGS_BELOW_MINIMUM),
        ("data: customer", "data: restricted", Verdict.JUSTIFY, Reason.DATA_NOT_PERMITTED),
    ],
)
def test_answers_without_a_call(
    tmp_path: Path, old: str, new: str, status: Verdict, reason: Reason
) -> None:
    root = write_review_workspace(tmp_path, 9, Shape(cases=120, candidates="big"))
    path = root / "features" / "tickets.yaml"
    path.write_text(path.read_text().replace(old, new))
    if new == "data: restricted":
        models = root / "models" / "all.yaml"
        text = models.read_text().replace("[public, internal, customer]", "[restricted]", 1)
        models.write_text(text)
        path.write_text(path.read_text().replace("candidates: [big]", "candidates: [good]"))
    (record,) = run_review(root, None)
    assert record.verdict is status
    assert reason in record.reason_codes
    assert record.evidence.spend.trials == 0


def test_the_ladder_asks_less_and_decides_the_same(tmp_path: Path) -> None:
    with OpenAIServer(answers) as server, inline_cluster() as cluster:
        write_review_workspace(tmp_path, server.port, Shape(cases=600, kind="ladder"))
        (record,) = run_review(tmp_path, cluster)
        asked = len(server.log.calls)
    (again,) = run_review(tmp_path, None, run_id="run-2")
    bad, good = record.options
    assert record.chosen == "good"
    assert bad.result is Result.FAIL
    assert good.quality is not None
    assert len(good.quality.looks) >= 1
    assert asked < 1800
    assert record.evidence.spend.trials == asked
    assert record.evidence.spend.trials_saved == 1800 - asked
    assert record.evidence.spend.saved_by_stopping_usd > 0
    assert again.finding_sha256 == record.finding_sha256


def test_a_price_that_changes_in_mid_cycle_changes_no_test(tmp_path: Path) -> None:
    with OpenAIServer(answers) as server, inline_cluster() as cluster:
        shape = Shape(cases=120, candidates="good", kind="ladder")
        write_review_workspace(tmp_path, server.port, shape)
        (first,) = run_review(tmp_path, cluster)
    models = tmp_path / "models" / "all.yaml"
    models.write_text(models.read_text().replace("input: 0.50", "input: 0.60"))
    (second,) = run_review(tmp_path, None, run_id="run-2")
    assert second.evidence.plan_sha256 == first.evidence.plan_sha256
    assert second.evidence.exploratory == ()
    assert second.options[0].cost.monthly != first.options[0].cost.monthly
