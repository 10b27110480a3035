"""Reviews over real HTTP in which mistakes, a discount or a one-off cost decide what is saved."""

from __future__ import annotations

import json
import re
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest

from harness.record.base import Reason, Result, State, Verdict
from harness.record.lock import entry_of
from harness.tell.pages import to_document
from harness.wording import amount_text
from reports.render import render
from tests.support.records import decided
from tests.support.reviews import (
    NOW,
    Shape,
    answers,
    inline_cluster,
    right_answer,
    run_review,
    write,
    write_review_workspace,
)
from tests.support.wire.openai_server import OpenAIServer
from tests.support.wire.reply import Reply
from tests.support.workspaces import edit

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from harness.record.model import DecisionRecord
    from tests.support.wire.reply import Body

pytestmark = [pytest.mark.slow, pytest.mark.no_cover]


def reviewed(
    root: Path, shape: Shape, script: Callable[[Body], Reply] = answers
) -> tuple[DecisionRecord, int]:
    """The only feature's record, and how many calls were paid."""
    with OpenAIServer(script) as server, inline_cluster() as cluster:
        write_review_workspace(root, server.port, shape)
        (record,) = run_review(root, cluster)
        return record, len(server.log.calls)


def page(record: DecisionRecord) -> str:
    return render(to_document(record, NOW), to="md").partition("\n## Appendix")[0]


@pytest.mark.parametrize("kind", ["holm", "ladder"])
def test_a_saving_that_the_owners_own_figure_makes_a_loss_is_no_downgrade(
    tmp_path: Path, kind: str
) -> None:
    """`good` saves 287 a month and gets some of a million more wrong, at 0.90 each."""
    shape = Shape(candidates="good", extra="error_cost_usd: 0.90", kind=kind)
    record, _ = reviewed(tmp_path, shape)
    (good,) = record.options
    assert record.verdict is Verdict.JUSTIFY
    assert record.reason_codes == (Reason.NET_SAVING_BELOW_MINIMUM,)
    assert (good.result, record.savings) == (Result.FAIL, None)
    even = good.error_break_even
    assert even is not None
    assert even.saving_after_discounts == Decimal(287)
    assert good.quality is not None
    assert even.more_errors_per_month == pytest.approx(-good.quality.told * 10_000)
    assert even.more_errors_per_month > 5000
    lost = round(Decimal(str(even.more_errors_per_month)) * Decimal("0.9"))
    assert even.net_saving_estimate == pytest.approx(Decimal(287 - lost), abs=1)
    text = page(record)
    assert f"good loses USD {lost - 287:,} a month with its mistakes counted" in text
    sums = f"more wrong tickets at USD 0.90 each -{lost:,}; left USD -{lost - 287:,} a month"
    assert sums in text


def errors(record: DecisionRecord) -> Decimal:
    """Further errors a month of the chosen option, by the estimate that is corrected."""
    (chosen,) = (one for one in record.options if one.target.option == record.chosen)
    assert chosen.quality is not None
    assert chosen.quality.told == chosen.quality.corrected
    return Decimal(str(max(-chosen.quality.told, 0.0))) * 10_000


def test_a_loss_at_worst_is_said_in_the_titles_line(tmp_path: Path) -> None:
    """About 1 of 100 of a million at 0.02 each is 200; at worst more than 287 is lost."""
    shape = Shape(candidates="good", extra="error_cost_usd: 0.02")
    record, _ = reviewed(tmp_path, shape)
    assert record.verdict is Verdict.DOWNGRADE
    saved = record.savings
    assert saved is not None
    net = 287 - round(errors(record) * Decimal("0.02"), 6)
    assert (saved.after_discounts, saved.net_monthly) == (287, net)
    assert 80 < net < 90
    assert saved.net_monthly_worst is not None
    assert saved.net_monthly_worst < 0
    first = page(record).splitlines()[0]
    worst = round(-saved.net_monthly_worst)
    assert first.endswith(
        f"saves USD {net:.2f} a month net of mistakes; at worst it loses USD {worst:,} a month"
    )
    whole = render(to_document(record, NOW), to="md")
    assert f"net of errors, at worst a loss of USD {worst:,}; no one-off cost (least worth" in whole
    locked = entry_of(decided(record, State.ACCEPTED), ends_on=record.expires_at)
    assert (locked.saving_monthly_usd, locked.net_saving_monthly_usd) == (287, net)


def better_when_dearer(body: Body) -> Reply:
    """`bad` gets 2 of 100 more wrong than `big`, `good` none."""
    found = re.search(r"Ticket number (\d+)", json.dumps(body.get("messages")))
    number = int(found[1]) if found else 0
    wrong = number % 20 == 0 or (body["model"] == "bad" and number % 50 == 7)
    usual = answers(body)
    return Reply(text=right_answer(number + 1 if wrong else number), usage=usual.usage)


@pytest.mark.parametrize("kind", ["holm", "ladder"])
def test_the_dearer_of_two_that_pass_is_chosen_where_it_leaves_more(
    tmp_path: Path, kind: str
) -> None:
    """`bad` saves 307.50 less 20,000 errors at 0.01, `good` 287 and loses next to nothing."""
    plain = Shape(cases=600, kind=kind)
    record, calls = reviewed(tmp_path / "plain", plain, better_when_dearer)
    assert (record.verdict, record.chosen) == (Verdict.DOWNGRADE, "bad")
    assert record.savings is not None
    assert record.savings.net_monthly is None
    assert " net" not in page(record).splitlines()[0]
    priced = Shape(cases=600, kind=kind, extra="error_cost_usd: 0.01")
    found, more = reviewed(tmp_path / "priced", priced, better_when_dearer)
    assert (found.verdict, found.chosen) == (Verdict.DOWNGRADE, "good")
    assert found.savings is not None
    net = 287 - round(errors(found) * Decimal("0.01"), 6)
    assert found.savings.net_monthly == net
    assert 270 < net <= 287
    assert {one.target.option: one.result for one in found.options}["good"] is Result.PASS
    assert more >= calls
    (good,) = (one for one in found.options if one.target.option == "good")
    assert (good.note or "").startswith("within the limit: no difference on ")


def test_a_one_off_cost_is_held_against_the_saving(tmp_path: Path) -> None:
    """500 once over evidence of 100 days is 152.19 a month, 774 is 235.59: 287 less that is 51."""
    cheap = Shape(candidates="good", extra="migration_usd: 500")
    record, _ = reviewed(tmp_path / "cheap", cheap)
    assert record.verdict is Verdict.DOWNGRADE
    assert record.savings is not None
    assert record.savings.net_of_one_off == pytest.approx(Decimal("134.8125"))
    text = page(record)
    once = "USD 500 for switching taken off"
    assert f"| left in twelve months, {once} (paid back in 53 days) | 2,944 |" in text
    assert f"USD 2,944 in twelve months, {once}" in text
    dear = Shape(candidates="good", extra="migration_usd: 800")
    record, calls = reviewed(tmp_path / "dear", dear)
    assert calls
    assert record.verdict is Verdict.JUSTIFY
    assert record.reason_codes == (Reason.NET_SAVING_BELOW_MINIMUM,)
    text = page(record)
    assert text.startswith("# Keep big for ticket topic: good saves only USD 43.50 a month with th")
    assert "switching costs USD 244 for each month that the evidence lasts" in text
    assert "- A lower price, or a switch that costs less." in text
    assert "A better prompt for good" not in text


def test_a_one_off_cost_that_nothing_can_earn_is_told_without_a_call(tmp_path: Path) -> None:
    shape = Shape(candidates="good", extra="migration_usd: 5000")
    record, calls = reviewed(tmp_path, shape)
    assert calls == 0
    assert (record.verdict, record.reason_codes) == (
        Verdict.JUSTIFY,
        (Reason.NET_SAVING_BELOW_MINIMUM,),
    )
    text = page(record)
    assert "against good, too little beside what switching costs; no case was asked" in text
    assert "less USD 1,522 a month for switching once" in text
    assert "- A lower price, or a switch that costs less." in text
    assert "mistakes that cost less" not in text


def test_no_better_prompt_is_offered_where_switching_takes_all_that_is_saved(
    tmp_path: Path,
) -> None:
    """At most 300 could be saved, so it is asked; it saves 287, and 953 once is 290 a month."""
    shape = Shape(candidates="good", extra="error_cost_usd: 0.0005\nmigration_usd: 953")
    with OpenAIServer(answers) as server, inline_cluster() as cluster:
        write_review_workspace(tmp_path, server.port, shape)
        edit(tmp_path / "policy.yaml", "minimum_saving_usd: 50", "minimum_saving_usd: 5")
        (record,) = run_review(tmp_path, cluster)
        assert server.log.calls
    assert record.reason_codes == (Reason.NET_SAVING_BELOW_MINIMUM,)
    text = page(record)
    row = r"\| good \| USD 41.00 \| fails \| within the limit: [^|]*; would leave less than the min"
    assert re.search(row, text)
    assert "a month with its mistakes and the switch counted" in text.splitlines()[0]
    assert "which leaves a loss of USD " in text
    assert "A better prompt for good" not in text
    assert "- A lower price, mistakes that cost less, or a switch that costs less." in text


@pytest.mark.parametrize(
    ("price", "minimum", "why"),
    [
        pytest.param("0.50", "287", None, id="exactly the minimum is enough"),
        pytest.param("0.50", "287.01", Reason.SAVINGS_BELOW_MINIMUM, id="a cent less is not"),
        pytest.param("4.00", "0", Reason.SAVINGS_BELOW_MINIMUM, id="nothing saved is no saving"),
    ],
)
def test_what_was_measured_is_held_against_the_minimum(
    tmp_path: Path, price: str, minimum: str, why: Reason | None
) -> None:
    """`good` saves 287 a month at 0.50, and nothing at today's price."""
    with OpenAIServer(answers) as server, inline_cluster() as cluster:
        write_review_workspace(tmp_path, server.port, Shape(candidates="good"))
        edit(tmp_path / "policy.yaml", "minimum_saving_usd: 50", f"minimum_saving_usd: {minimum}")
        stated = f"input: {price}, output: {price}"
        edit(tmp_path / "models" / "all.yaml", "input: 0.50, output: 0.50", stated)
        (record,) = run_review(tmp_path, cluster)
        assert server.log.calls
    reasons = (Reason.NON_INFERIOR_AND_CHEAPER,) if why is None else (why,)
    verdict = Verdict.DOWNGRADE if why is None else Verdict.JUSTIFY
    assert (record.verdict, record.reason_codes) == (verdict, reasons)


LISTED = """\
{name}:
  provider: openai
  version: {version}
  base_url: http://127.0.0.1:{port}/v1
  key: LISTED_KEY
  may_see: [public, internal, customer]
"""


def test_at_a_discount_every_figure_is_of_what_is_paid(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """40 % off the catalogue's prices: what is left is never more than what is saved."""
    monkeypatch.setenv("LISTED_KEY", "not-a-key")

    def named(body: Body) -> Reply:
        model = "big" if body["model"] == "gpt-4.1" else "good"
        return answers({"model": model, "messages": body["input"]})

    with OpenAIServer(named) as server, inline_cluster() as cluster:
        shape = Shape(candidates="good", extra="error_cost_usd: 0.001")
        write_review_workspace(tmp_path, server.port, shape)
        versions = {"big": "gpt-4.1", "good": "gpt-4.1-mini"}
        models = [LISTED.format(name=n, version=v, port=server.port) for n, v in versions.items()]
        write(tmp_path / "models" / "all.yaml", "".join(models))
        policy = (tmp_path / "policy.yaml").read_text(encoding="utf-8")
        write(tmp_path / "policy.yaml", f"{policy}discounts: {{openai: 0.4}}\n")
        (record,) = run_review(tmp_path, cluster)
    assert record.verdict is Verdict.DOWNGRADE
    saved, (good,) = record.savings, record.options
    assert saved is not None
    assert saved.after_discounts == saved.monthly * Decimal("0.6")
    lost = errors(record)
    assert 9_000 < lost < 12_000
    assert saved.net_monthly == pytest.approx(saved.after_discounts - lost / 1000)
    assert sum(term.usd for term in record.bridge) == -saved.after_discounts
    assert good.error_break_even is not None
    assert good.error_break_even.at_estimate == pytest.approx(
        saved.after_discounts / lost, abs=Decimal("0.000001")
    )
    text = page(record)
    paid, today = good.cost.monthly_after_discounts, record.current_cost.monthly_after_discounts
    shown = set(re.findall(r"(?:USD|\|) ([\d,]+(?:\.\d+)?)", text))
    assert {amount_text(a) for a in (paid, today, saved.after_discounts)} <= shown  # type: ignore[arg-type]
    listed = (good.cost.monthly, record.current_cost.monthly, saved.monthly)
    assert not {amount_text(amount) for amount in listed} & shown  # type: ignore[arg-type]
    assert "your discounts taken off" in text
