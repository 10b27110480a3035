"""From logs to a showback: figures, pages and tables of a made-up company, and what is refused."""

from __future__ import annotations

import csv
import json
import re
import shutil
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from io import StringIO
from typing import TYPE_CHECKING, Any

import pyarrow.parquet as pq
import pytest
import yaml

from harness.cli.main import run
from harness.conduct.preparing.importing_traffic import LogsToRead, import_traffic
from harness.conduct.spending.made_up_logs import write_made_up
from harness.conduct.spending.showing_back import show_back, write_showback_files
from harness.errors import ExitCode, UsageError
from harness.money.spend.bridge import Factor
from harness.money.spend.lines import KEYS
from harness.money.spend.showback import NextStep
from harness.money.spend.timespan import span_named
from harness.tell.showback.page import to_showback
from harness.tell.showback.phrases import page_name
from harness.tell.showback.tables import focus_csv, lines_csv
from reports.render import render_index
from tests.recompute.showback import recompute_showback
from tests.support.browser import chromium
from tests.support.every_page import VIEWS, problems

if TYPE_CHECKING:
    from pathlib import Path

    from harness.money.spend.showback import ShownBack

pytestmark = pytest.mark.xdist_group("showback")

NOW = datetime(2026, 11, 30, 9, tzinfo=UTC)
BUDGETS = {"": Decimal(16000), "support": Decimal(6000)}


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("made-up")
    log, columns = write_made_up(root, NOW)
    import_traffic(root, log, how=LogsToRead(mapping=columns), now=NOW)
    return root


@pytest.fixture(scope="module")
def shown(root: Path) -> ShownBack:
    return show_back(root, None, now=NOW)


def test_every_breakdown_of_every_page_adds_up(shown: ShownBack) -> None:
    whole = shown.whole
    for key in KEYS:
        assert sum(one.usd for one in whole.now.by(key)) == whole.now.usd
    nobody = whole.now.of("team", "").usd
    assert sum(one.now.usd for one in shown.teams) + nobody == whole.now.usd
    for one in (whole, *shown.teams):
        assert one.bridge is not None
        assert one.before is not None
        assert one.bridge.before + sum(one.bridge.terms.values()) == one.now.usd
        assert sum(driver.usd for driver in one.drivers()) == one.now.usd
    for at, past in enumerate(whole.trend):
        assert past.usd is None or sum(past.teams.values()) == past.usd
        assert all(one.trend[at].usd == past.teams.get(one.team, 0) for one in shown.teams)
    assert whole.trend[-1].usd == (whole.before and whole.before.usd)
    months = [one.outlook.whole for one in shown.teams]
    assert shown.nobody is not None
    told = sum(one for one in (*months, shown.nobody.whole) if one is not None)
    assert told == whole.outlook.whole


def test_what_went_wrong_on_purpose_is_found(shown: ShownBack) -> None:
    drivers = {one.feature or one.caller: one for one in shown.whole.drivers()}
    storm = next(one for one in shown.whole.unusual if one.feature == "ticket-triage")
    assert storm.since == datetime(2026, 11, 24, 3, tzinfo=UTC)
    assert storm.caller == "svc-triage"
    assert drivers["ticket-triage"].step is NextStep.LOOK
    contracts = drivers["contract-clauses"]
    assert contracts.shift is not None
    assert contracts.shift.main is Factor.QUESTIONS
    assert contracts.owner == "li.wei@example.com"
    assert drivers["call-summaries"].shift is not None
    assert drivers["call-summaries"].shift.main is Factor.MODELS
    assert drivers["svc-new-assistant"].step is NextStep.PLACE
    assert drivers["prototypes"].owner == "noor.haddad@example.com"
    assert drivers["product-search"].step is NextStep.NAME
    assert shown.whole.outlook.over_budget
    assert shown.whole.elsewhere == drivers["prototypes"].usd
    assert [by for by, _ in shown.whole.concentrated()] == ["caller"]


def test_the_tables_add_up_to_the_page(shown: ShownBack) -> None:
    for text, column in ((lines_csv(shown.whole.now), "usd"), (focus_csv(shown), "BilledCost")):
        rows = list(csv.DictReader(StringIO(text)))
        assert sum(Decimal(row[column]) for row in rows) == shown.whole.now.usd
    assert {row["x_Estimate"] for row in rows} == {"true"}


def test_pages_are_written_for_all_and_for_each_team(
    root: Path, capsys: pytest.CaptureFixture[str], shown: ShownBack, tmp_path: Path
) -> None:
    week = ["showback", "-w", str(root), "--week", "2026-W48"]
    assert run([*week, "--json"]) == ExitCode.OK
    files = json.loads(capsys.readouterr().out)["files"]
    folder = root / "showback" / "2026-W48"
    assert str(folder / "index.html") == files[0]
    assert {f"{one.team}.html" for one in shown.teams} == {
        path.name for path in (folder / "teams").glob("*.html")
    }
    text = (folder / "index.md").read_text(encoding="utf-8")
    assert f"{shown.whole.now.usd:,.2f}" in text
    assert "no notebook, no training job" in text
    assert "Made-up" not in text
    for line in SAID:
        assert line in text, line
    assert "-&gt;" not in text
    assert "dearest first*\n\n| what |" not in text
    whole = write_showback_files(shown, root, (tmp_path / "p",), made_up=True)
    assert "Made-up logs: nothing of this was spent" in whole[1].read_text(encoding="utf-8")
    book, table = tmp_path / "finance.xlsx", tmp_path / "finance.csv"
    assert run([*week, "--out", str(book), "--out", str(table)]) == ExitCode.OK
    assert capsys.readouterr().out.split() == [str(book), str(table)]
    assert book.read_bytes()[:2] == b"PK"
    assert run([*week, "--out", str(tmp_path / "a"), "--out", str(tmp_path / "b")]) == 2
    assert "a folder is given already" in capsys.readouterr().err


SAID = (
    (
        "(Li Wei): USD +939 in all, USD +884 of it by longer inputs: find out why; then review it "
        "(at most USD 16,004 a month)"
    ),
    "November is already over its budget of USD 16,000 by USD 9,086; will end near USD 10,138 over",
    "| already USD 9,086 over the budget of USD 16,000 |",
    "The budget of the row \u201call\u201d is the company's, not the sum of the teams'.",
    "| an upper limit, at this week's pace (x 4.35), not a target |",
    "unusual hours count at their usual cost",
    "| explain the change |",
    "in the whole log: 80,000 of 1,032,500 calls are retries",
    "Ask whoever runs svc-triage about Tue 24 Nov, 03:00 UTC",
    "usual: the same hours of up to six weeks before",
    "- All of it is tokens at list prices; discounts of yours are not counted.",
    "Check the new model: from gpt-5 to gpt-5-mini",
    "May not be charged to teams yet: allocation, 91.3 % of 95 % needed, is not enough; a bill",
)


def test_the_demo_shows_a_showback_of_made_up_logs(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["demo", "--showback", "--out", str(tmp_path)]) == ExitCode.OK
    first = capsys.readouterr().out.split()[0]
    assert first == str(tmp_path / "showback" / "index.html")
    text = (tmp_path / "showback" / "index.md").read_text(encoding="utf-8")
    assert "Made-up logs: nothing of this was spent" in text


@pytest.fixture(scope="module")
def pages(root: Path) -> Path:
    """Two weeks of pages; the later one's folder."""
    for week in ("2026-W47", "2026-W48"):
        write_showback_files(show_back(root, span_named("week", week), now=NOW), root)
    return root / "showback" / "2026-W48"


@pytest.fixture(scope="module")
def hours(root: Path) -> list[dict[str, Any]]:
    path = root / "traffic" / "made-up-logs.hours.parquet"
    return pq.read_table(path, columns=["hour", "team", "usd"]).to_pylist()


def test_every_figure_of_the_pages_follows_from_lines_and_hours(
    pages: Path, hours: list[dict[str, Any]]
) -> None:
    found = recompute_showback(pages, pages.parent / "2026-W47", hours, BUDGETS)
    assert [f"{one.where}: {one.why}: {one.text}" for one in found.findings] == []
    assert found.figures > 1500


PLANTED = (
    r"was spent, USD ([\d,]+)",
    r"USD ([\d,]+) \(9 %\) belongs",
    r"\| contract-clauses \| Li Wei \| legal \| [\d,.]+ \| (\d+) %",
    r"\| number of requests \| \+([\d.]+)",
    r"teams/support.md>\) \| ([\d,.]+)",
    r"budget of USD [\d,]+ by USD ([\d,]+)",
    r"will end near USD ([\d,]+) over it",
    r"USD \+([\d,]+) of it by longer inputs",
    r"pace \(x ([\d.]+)\), not a target",
    r"svc-new-assistant \| 167\.34 \|.* more requests \| \+([\d.]+)",
    r"\| USD per 1,000 requests \| ([\d.]+)",
    r"\| development \| ([\d.]+)",
    r"USD ([\d,]+) is the mean",
    r"at most USD ([\d,]+) of USD",
    r"\| ticket-triage \| svc-triage \| [^|]* \| [^|]* \| \d+ \| ([\d.]+)",
)


def test_a_planted_wrong_figure_is_found(
    pages: Path, hours: list[dict[str, Any]], tmp_path: Path
) -> None:
    text = (pages / "index.md").read_text(encoding="utf-8")
    (tmp_path / "2026-W48").mkdir()
    for name in ("showback.csv", "index.html"):
        shutil.copy(pages / name, tmp_path / "2026-W48" / name)
    for place in PLANTED:
        found = re.search(place, text)
        assert found is not None, place
        digit = str((int(found[1][0]) + 1) % 9 + 1)
        wrong = f"{text[: found.start(1)]}{digit}{text[found.start(1) + 1 :]}"
        (tmp_path / "2026-W48" / "index.md").write_text(wrong, encoding="utf-8")
        before = pages.parent / "2026-W47"
        assert recompute_showback(tmp_path / "2026-W48", before, hours, BUDGETS).findings, place


@pytest.mark.browser
@pytest.mark.no_cover
def test_nothing_is_wrong_with_the_pages_in_a_browser(pages: Path) -> None:
    with chromium() as browser:
        found = {
            (path.name, view): [*problems(browser, path, view, read=view == "phone-dark")]
            for path in (pages / "index.html", pages / "teams" / "support.html")
            for view in (VIEWS if path.stem == "index" else ("phone-light", "print"))
        }
    assert not any(found.values()), found


def test_nothing_is_shown_that_began_after_the_period(root: Path, shown: ShownBack) -> None:
    begun = min(one.since for one in shown.whole.findings)
    week = span_named("week", (begun - timedelta(weeks=1)).strftime("%G-W%V"))
    before = show_back(root, week, now=NOW).whole
    assert not [one for one in before.findings if one.since >= week.end]


def test_a_month_and_a_part_of_a_week_are_shown_too(root: Path) -> None:
    month = show_back(root, span_named("month", "2026-11"), now=NOW).whole
    assert month.now.span.name == "2026-11"
    assert month.now.until < datetime(2026, 12, 1, tzinfo=UTC)
    assert month.before is not None
    told = month.now.until - datetime(2026, 11, 1, tzinfo=UTC)
    assert month.before.until - datetime(2026, 10, 1, tzinfo=UTC) == told
    assert timedelta(days=29) <= told < timedelta(days=30)
    first = show_back(root, span_named("week", "2026-W40"), now=NOW)
    assert first.whole.before is None
    assert first.whole.bridge is None
    assert first.whole.unusual == ()


@pytest.mark.parametrize(
    ("given", "says"),
    [
        (["--week", "2026-W20"], "no log covers it; the logs that were imported are of 2026-09-28"),
        (["--week", "2026-48"], "no week such as 2026-W48"),
        (["--month", "2026-13"], "no month such as 2026-11"),
        (["--week", "2026-W48", "--month", "2026-11"], "--week or --month, not both"),
    ],
)
def test_a_period_that_cannot_be_shown_is_refused_in_one_line(
    root: Path, given: list[str], says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["showback", "-w", str(root), *given]) == ExitCode.USAGE_ERROR
    err = capsys.readouterr().err
    assert says in err
    assert err.count("\n") == 1


def test_what_no_log_tells_is_a_dash_and_an_empty_cell(tmp_path: Path) -> None:
    write_made_up(tmp_path, NOW)
    log = tmp_path / "plain.csv"
    evil = "=cmd|'x'!A1\x1b[2J"
    rows = "".join(
        f"{NOW - timedelta(days=1, hours=at):%Y-%m-%dT%H:00:00Z},,r{at},900,20,gpt-5,{evil}\n"
        for at in range(60)
    )
    head = "timestamp,feature,request_id,input_tokens,output_tokens,model,caller\n"
    log.write_text(head + rows, encoding="utf-8")
    import_traffic(tmp_path, log, now=NOW)
    found = show_back(tmp_path, span_named("week", "2026-W48"), now=NOW)
    (page, *_), (row, *_) = (
        [to_showback(found)],
        csv.DictReader(StringIO(lines_csv(found.whole.now))),
    )
    assert "as far as logs cover it" in page.title or "so far" in page.title
    assert found.whole.change is None
    assert found.whole.outlook.whole is None
    assert {row[name] for name in ("failed", "retries", "cached", "written", "reasoning")} == {""}
    assert row["caller"].startswith("'=cmd")
    text = render_index(page, to="md")
    assert "too little to forecast from" in text
    assert "| calls that failed | \u2013 | \u2013 | 5 % |" in text
    assert (
        "No log counts calls asked twice, calls that read from a prompt cache, failed calls" in text
    )
    assert "and tokens written to a prompt cache: a dash stands where nobody knows whether" in text
    assert "\x1b" not in text
    (rule,) = re.findall(r"`- (\{when: .*\})`", text)
    assert yaml.safe_load(rule)["when"]["key_alias"].startswith("=cmd?")


def test_what_one_log_tells_is_not_said_of_the_calls_of_another(tmp_path: Path) -> None:
    """`told` reads half of its input from a cache, `plain` does not say; no 0 % stands for it."""
    write_made_up(tmp_path, NOW)
    made = [NOW - timedelta(days=1, hours=at) for at in range(60)]
    head = "timestamp,request_id,input_tokens,output_tokens,model,caller"
    told = "".join(f"{at:%Y-%m-%dT%H:00:00Z},t{at:%d%H},900,20,gpt-5,told,450\n" for at in made)
    plain = "".join(f"{at:%Y-%m-%dT%H:00:00Z},p{at:%d%H},900,20,gpt-5,plain\n" for at in made)
    (tmp_path / "told.csv").write_text(f"{head},cached_tokens\n{told}", encoding="utf-8")
    (tmp_path / "plain.csv").write_text(f"{head}\n{plain}", encoding="utf-8")
    for name in ("told", "plain"):
        import_traffic(tmp_path, tmp_path / f"{name}.csv", now=NOW)
    found = show_back(tmp_path, span_named("week", "2026-W48"), now=NOW)
    rows = csv.DictReader(StringIO(lines_csv(found.whole.now)))
    assert {row["caller"]: bool(row["cached"]) for row in rows} == {"told": True, "plain": False}
    text = render_index(to_showback(found), to="md")
    assert "| input read from the prompt cache | 50.0 % |" in text
    by_caller = {
        cells[1]: cells[7]
        for line in text.splitlines()
        if (cells := [each.strip() for each in line.split("|")])[1:2] in (["told"], ["plain"])
        and len(cells) == 11
    }
    assert by_caller == {"told": "50.0 %", "plain": "\u2013"}
    named = "calls that read from a prompt cache and tokens read from a prompt cache"
    assert f"Some logs do not count {named}: those figures are of the calls of the" in text


def test_nothing_imported_is_told(tmp_path: Path) -> None:
    write_made_up(tmp_path, NOW)
    with pytest.raises(UsageError, match="no sums of logs by hour; `rightsize import traffic"):
        show_back(tmp_path, None, now=NOW)


def test_teams_of_any_name_have_a_page_of_their_own() -> None:
    names = ["support", "Support", "Search & Ads", "search-ads", "../x", "\u0394", "\u0395", ""]
    pages = [page_name(name) for name in names]
    assert len(set(pages)) == len(names)
    assert all(re.fullmatch(r"[a-z0-9-]+", page) for page in pages)
    assert pages[0] == "support"


def test_what_calls_cost_that_nobody_priced_is_not_nothing(tmp_path: Path) -> None:
    """Known calls of a feature, and calls of none by a model without a price."""
    write_made_up(tmp_path, NOW)
    log = tmp_path / "plain.csv"
    rows = "".join(
        f"{NOW - timedelta(days=1, hours=at):%Y-%m-%dT%H:00:00Z},{whose.format(at)}\n"
        for at in range(60)
        for whose in ("draft-reply,r{},900,20,gpt-5,a", ",r{},900,20,nobody-sells-this-1,b")
    )
    head = "timestamp,feature,request_id,input_tokens,output_tokens,model,caller\n"
    log.write_text(head + rows, encoding="utf-8")
    import_traffic(tmp_path, log, now=NOW)
    shown = show_back(tmp_path, span_named("week", "2026-W48"), now=NOW)
    text = render_index(to_showback(shown), to="md")
    assert "What the calls of no feature cost is not known." in text
    assert "Every dollar" not in text
    assert "its calls have no cost in the logs and no price" in text
    assert "| b | \u2013 | \u2013 |" in text
    assert "calls without a cost in the logs and without a price: in no amount here." in text
