"""A real review of six features, what people did with it, and every figure that is published."""

from __future__ import annotations

import csv
import re
from contextlib import redirect_stdout
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from decimal import Decimal
from io import StringIO
from typing import TYPE_CHECKING

import click
import pytest

from harness.cli.cycle.review import exit_code, tell
from harness.conduct.concluding.deciding import (
    Signing,
    SigningRules,
    change_on_disk,
    decide_on_disk,
)
from harness.conduct.listening import Planned
from harness.conduct.running import RunSettings
from harness.conduct.running import run as review_again
from harness.errors import Faults
from harness.money.realised import read_bill, realised, verified
from harness.plan.planning import Selection, plan_review
from harness.record.lifecycle import implemented
from harness.record.stored import read_records, write_records
from harness.tell.focus import write_focus
from harness.tell.pages import publish
from harness.workspace.workspace import load_workspace
from tests.support.reviews import (
    CYCLE,
    NOW,
    Shape,
    answers,
    inline_cluster,
    run_review,
    write_review_workspace,
)
from tests.support.wire.openai_server import OpenAIServer
from tests.support.workspaces import edit

if TYPE_CHECKING:
    from pathlib import Path

    from harness.record.model import DecisionRecord

pytestmark = [pytest.mark.slow, pytest.mark.no_cover, pytest.mark.xdist_group("portfolio")]

RULES = SigningRules(require_link=False, longest_days=100)
LAPSES_AFTER = timedelta(days=20)
TEAMS = {
    "billed": "blue",
    "refused": "blue",
    "taken": "red",
    "lapsed": "red",
    "stays": "red",
    "unmetered": "blue",
}


@dataclass(frozen=True, kw_only=True)
class Published:
    folder: Path
    page: str
    lines: dict[str, dict[str, str]]
    terminal: list[str]

    def added(self, column: str, team: str | None = None) -> Decimal:
        rows = [line for line in self.lines.values() if team in {None, line["team"]}]
        return sum((Decimal(row[column] or 0) for row in rows), Decimal(0))


def write_six(root: Path, port: int) -> None:
    """All cost USD 328 a month, of which a swap to `good` saves 287.

    One in a hundred more is wrong then: 10,000 mistakes a month, which `taken` puts at a cent each.
    """
    shape = Shape(cases=300, candidates="good", features=tuple(TEAMS))
    write_review_workspace(root, port, shape)
    for name, team in TEAMS.items():
        edit(root / "features" / f"{name}.yaml", "team: support", f"team: {team}")
        edit(root / "features" / f"{name}.yaml", "name: Ticket topic", f"name: {name.title()}")
    taken = root / "features" / "taken.yaml"
    edit(taken, "risk: medium", "risk: medium\nerror_cost_usd: 0.01")
    stays = root / "features" / "stays.yaml"
    edit(stays, "[good]", "[bad]\nmode: deferrable")
    edit(root / "models" / "all.yaml", "input: 4.00", "batch: 0.5, input: 4.00")
    unmetered = root / "features" / "unmetered.yaml"
    traffic = next(line for line in unmetered.read_text().splitlines() if "traffic:" in line)
    edit(unmetered, traffic, "")
    ends = f"evidence: {LAPSES_AFTER.days}"
    edit(root / "policy.yaml", "prices: 36500", f"prices: 36500, {ends}")


def signed(action: str) -> Signing:
    return Signing(action=action, by="dana", by_source="--by", reason="so")  # type: ignore[arg-type]


def bill_of(folder: Path) -> Path:
    """December at the forecast's volume: USD 290 where the old model would have cost 328."""
    path = folder / "bill.csv"
    path.write_text(
        "month,feature,model,requests,cost_usd\n2026-12,billed,good,1000000,290\n",
        encoding="utf-8",
    )
    return path


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Published:
    """Review, accept, reject, bill; then the pages of a later day, and the terminal's lines.

    An answer is dated by the clock, and its evidence ends so many days after it: every other day
    here is counted from that one, so that the same features have ended whenever this runs.
    """
    root = tmp_path_factory.mktemp("six")
    folder = root / "reviews" / CYCLE
    others = tuple(name for name in TEAMS if name != "lapsed")
    with OpenAIServer(answers) as server, inline_cluster() as cluster:
        write_six(root, server.port)
        (lapsed,) = run_review(root, cluster, wanted=Selection(features=("lapsed",)))
        write_records([lapsed], folder)
        asked = datetime.combine(lapsed.expires_at - LAPSES_AFTER, time(9), UTC)
        edit(root / "policy.yaml", "evidence: 20", "evidence: 60")
        wanted = Selection(features=others)
        write_records(run_review(root, cluster, wanted=wanted, now=asked), folder)
    later = datetime.combine(lapsed.expires_at + timedelta(days=1), time(9), UTC)
    for name, action in (("billed", "accept"), ("refused", "reject"), ("taken", "accept")):
        decide_on_disk(folder, name, signed(action), rules=RULES, now=asked + timedelta(days=1))

    def against_the_bill(record: DecisionRecord) -> DecisionRecord:
        running = implemented(record, "good", later)
        found = realised(running, read_bill(bill_of(root)))
        return verified(running, found, source="bill.csv", now=later)

    change_on_disk(folder, "billed", against_the_bill)
    publish(read_records(folder), folder, now=later)
    with (folder / "portfolio.csv").open(encoding="utf-8") as file:
        lines = {row["feature"]: row for row in csv.DictReader(file)}
    return Published(
        folder=folder,
        page=(folder / "index.md").read_text(encoding="utf-8"),
        lines=lines,
        terminal=said_by_a_review(root, later),
    )


def said_by_a_review(root: Path, later: datetime) -> list[str]:
    """The last lines of `rightsize review` of one feature, from the journal, on the later day."""
    workspace = load_workspace(root)
    wanted = Selection(features=("stays",))
    plan = plan_review(workspace, cycle=CYCLE, on=NOW.date(), wanted=wanted)
    planned = Planned(workspace=workspace, plan=plan, now=later, faults=Faults())
    said = StringIO()
    with redirect_stdout(said), click.Context(click.Command("review")):
        assert exit_code(review_again(planned, RunSettings(found=tell))) == 0
    return said.getvalue().splitlines()


def test_no_sum_counts_what_was_refused_or_has_ended(published: Published) -> None:
    page = published.page
    assert (
        "Proposed saving USD 287 a month after discounts, on 1 feature "
        "(proposed, deferred or accepted)." in page
    )
    assert "| **proposed saving** | **1** | **USD 287.00** |" in page
    assert "| rejected: in no sum | 1 | USD 287.00 |" in page
    assert "| expired, review again: in no sum | 1 | USD 287.00 |" in page
    top = page.partition("Largest savings")[2].partition("\n## ")[0]
    assert "Taken" in top
    assert not {"Refused", "Lapsed", "Billed"} & set(re.findall(r"[A-Z][a-z]+", top))
    (spent,) = re.findall(r"What the review cost.\*\* USD ([\d.]+);", page)
    (times,) = re.findall(
        r"One month of the proposed saving pays for it (?:about )?([\d,]+) times", page
    )
    assert int(times.replace(",", "")) == pytest.approx(287 / float(spent), rel=0.01)


def test_verified_shows_what_was_realised_beside_the_forecast(published: Published) -> None:
    row = "| in production, verified against a bill | 1 | USD 287.00 | USD 38.00 |"
    assert row in published.page
    assert "verified against a bill on 1: USD 38.00 realised, USD 287 forecast" in published.page
    assert published.lines["billed"]["saving_in_production_realised_monthly_usd"] == "38.00"


def test_net_of_mistakes_stands_beside_what_the_bill_saves(published: Published) -> None:
    """Seen were 1 of 100 more; the estimate corrected for having been picked is a little worse."""
    net = Decimal(published.lines["taken"]["proposed_saving_net_of_mistakes_monthly_usd"])
    assert 100 < net < 187
    assert (
        f"Net of mistakes USD {net:.0f} of USD 287, on the 1 of 1 feature that says what a mistake "
        "costs."
    ) in published.page
    top = published.page.partition("## Largest savings")[2].partition("\n## ")[0]
    worst = published.lines["taken"]["proposed_saving_net_of_mistakes_at_worst_monthly_usd"]
    assert f"| model swap to good | 287.00 | {net:.2f} | {worst} |" in top
    assert Decimal(-200) < Decimal(worst) < net
    assert published.added("proposed_saving_net_of_mistakes_monthly_usd") == net
    assert published.lines["billed"]["proposed_saving_net_of_mistakes_monthly_usd"] == ""


def test_an_expired_proposal_is_in_a_to_do_list(published: Published) -> None:
    again = published.page.partition("## Review again")[2].partition("\n## ")[0]
    assert "Lapsed" in again
    assert published.lines["lapsed"]["state"] == "EXPIRED"
    waiting = published.page.partition("## Waiting for a decision")[2].partition("\n## ")[0]
    assert {"Stays", "Unmetered"} <= set(re.findall(r"[A-Z][a-z]+", waiting))
    assert "Lapsed" not in waiting
    document = (published.folder / "documents" / "lapsed.md").read_text(encoding="utf-8")
    assert "| state | EXPIRED |" in document


def test_the_unknown_is_said_and_has_its_row(published: Published) -> None:
    title = published.page.splitlines()[0]
    assert title.endswith(
        "6 features, USD 1,640 a month as reviewed, after discounts, 5 of 6 known"
    )
    everything = published.page.partition("## All features")[2]
    assert re.search(r"Unmetered.*\| not known \|", everything)
    assert published.lines["unmetered"]["today_after_discounts_monthly_usd"] == ""


def test_a_lever_s_saving_stands_beside_its_lever(published: Published) -> None:
    line = published.lines["stays"]
    assert line["saving_by"] == "batch"
    assert line["saving_by_batch_or_caching_monthly_usd"] == "164.00"
    assert published.lines["taken"]["saving_by"] == "model swap to good"
    assert published.lines["refused"]["saving_by"] == ""


def test_every_team_adds_up_to_the_headline(published: Published) -> None:
    figures = {
        "today_after_discounts_monthly_usd": "1640.00",
        "proposed_saving_monthly_usd": "287.00",
        "saving_in_production_forecast_monthly_usd": "287.00",
        "saving_in_production_realised_monthly_usd": "38.00",
        "saving_by_batch_or_caching_monthly_usd": "164.00",
    }
    for column, usd in figures.items():
        parts = [published.added(column, team) for team in ("red", "blue")]
        assert sum(parts) == published.added(column) == Decimal(usd)
    (red,) = re.findall(r"^\| red \|.*$", published.page, re.MULTILINE)
    assert red == "| red | 3 of 3 | 984.00 | 287.00 | 0.00 | 0.00 | 164.00 |"


def test_the_terminal_ends_with_the_figures_of_the_index(published: Published) -> None:
    at = published.terminal.index("DOWNGRADE 0   JUSTIFY 1   UNDECIDED 0")
    spend, saving, running, same, again = published.terminal[at + 1 : -1]
    title = published.page.splitlines()[0]
    assert title == f"# Right-sizing 2026-Q4: {spend}"
    first, _, net = saving.partition("; net")
    assert f"{first}. Net{net}. {same}." in published.page
    assert f"**What is saved.** {running}." in published.page
    assert again == "Review again: 1 feature whose evidence has ended"


def test_finance_s_export_is_of_the_same_spend(published: Published) -> None:
    records = read_records(published.folder)
    rows = csv.DictReader(StringIO(write_focus(records, month=NOW.date())))
    billed: dict[str, Decimal] = {}
    for row in rows:
        name = row["x_FeatureId"]
        billed[name] = billed.get(name, Decimal(0)) + Decimal(row["BilledCost"])
    spend = {
        name: Decimal(line["today_after_discounts_monthly_usd"])
        for name, line in published.lines.items()
        if line["today_after_discounts_monthly_usd"]
    }
    assert {name: round(usd, 2) for name, usd in billed.items()} == spend
