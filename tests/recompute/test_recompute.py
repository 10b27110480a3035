"""The program that recomputes a published review: it agrees with ours, and finds what is wrong."""

from __future__ import annotations

import ast
import json
import re
import shutil
import sys
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from harness.conduct.concluding.proving import prove
from harness.plan.planning import Selection
from harness.record.base import Reason, State, Verdict
from harness.record.lifecycle import Actor, Move, move
from harness.record.model import seal
from harness.record.stored import read_every, read_records, write_records
from harness.tell.pages import publish, publish_month
from harness.tell.portfolio.monthly import month_of
from tests.prove.verifier import check
from tests.recompute import review as program
from tests.recompute.company import run_bought, run_company
from tests.recompute.match import EXCEPTIONS
from tests.recompute.monthly import recompute_month
from tests.support.forty_features import write_forty
from tests.support.records import a_feature, record_for
from tests.support.reviews import NOW, run_review

if TYPE_CHECKING:
    from collections.abc import Callable

    from harness.record.model import DecisionRecord

pytestmark = [pytest.mark.slow, pytest.mark.no_cover, pytest.mark.xdist_group("recompute")]

FEWEST_FIGURES = 3000
LATER = NOW + timedelta(days=60)
NOVEMBER = date(2026, 11, 1)
DEMO = Path(__file__).parents[2] / "configs" / "demo" / "reviews"
FIXTURES = {"company.py", "test_recompute.py"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return run_company(tmp_path_factory.mktemp("company"))


@pytest.fixture(scope="module")
def report(folder: Path) -> program.Report:
    return program.recompute(folder, NOW.date())


@pytest.fixture(scope="module")
def sound(folder: Path, report: program.Report) -> Path:
    """The company's review, of which nothing is told as long as nothing is planted."""
    assert report.findings == []
    return folder


@pytest.fixture(scope="module")
def bought(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return run_bought(tmp_path_factory.mktemp("bought"))


def told(folder: Path, day: date | None = None) -> list[str]:
    found = program.recompute(folder, day or NOW.date()).findings
    return [f"{one.where}: {one.why}" for one in found]


def test_every_figure_of_a_company_s_review_follows_from_its_records(
    report: program.Report,
) -> None:
    assert [f"{one.where}: {one.why}: {one.text}" for one in report.findings] == []
    assert report.figures > FEWEST_FIGURES


def test_every_figure_of_bought_answers_at_a_discount_follows(bought: Path) -> None:
    assert told(bought, date.today()) == []  # noqa: DTZ011  # the command's own day


@pytest.mark.parametrize("cycle", sorted(one.name for one in DEMO.iterdir()))
def test_every_figure_of_the_demo_s_records_follows(tmp_path: Path, cycle: str) -> None:
    shutil.copytree(DEMO / cycle / "records", tmp_path / "records")
    publish(read_records(tmp_path), tmp_path, now=NOW)
    assert told(tmp_path) == []


UNASKED = ("feature-00", "feature-05", "feature-11", "feature-12", "feature-15", "feature-38",
           "feature-39")  # fmt: skip
"""Of the forty features those that nothing is asked of: no saving, nothing cheaper, blocked."""


@pytest.fixture(scope="module")
def unasked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = write_forty(tmp_path_factory.mktemp("forty"), "http://127.0.0.1:9")
    records = run_review(root, None, wanted=Selection(features=UNASKED))
    folder = root / "reviews" / "2026-Q4"
    write_records(records, folder)
    publish(records, folder, now=NOW)
    return folder


def test_every_figure_of_features_that_nobody_asked_follows(unasked: Path) -> None:
    report = program.recompute(unasked, NOW.date())
    assert [f"{one.where}: {one.why}: {one.text}" for one in report.findings] == []
    assert report.figures > 2000


def test_every_figure_of_a_document_for_every_reason_follows(tmp_path: Path) -> None:
    """Those of the golden documents."""
    names = {reason: reason.value.lower() for reason in Reason}
    write_records(
        [
            record_for(reason, feature=a_feature(id=name, name=f"Feature {name}"))
            for reason, name in names.items()
        ],
        tmp_path,
    )
    publish(read_records(tmp_path), tmp_path, now=NOW, workers=1)
    assert told(tmp_path) == []


def a_quarter_before(record: DecisionRecord, at: int) -> DecisionRecord:
    """The record as it may have been: fewer requests, shorter, other prices, unknown."""
    cost, traffic = record.current_cost, record.traffic
    made = NOW - timedelta(days=70)
    update: dict[str, object] = {"cycle": "2026-Q3", "laws": None, "generated_at": made}
    if traffic is not None and cost.monthly_after_discounts is not None and cost.rates is not None:
        less = {"requests_per_month": 700_000 + at, "input_tokens": 70.0 + at, "retry_rate": 0.01}
        update["traffic"] = traffic.model_copy(update=less)
        spend = None if at % 5 == 4 else cost.monthly_after_discounts * Decimal("0.81")
        rates = cost.rates.model_copy(update={"input": Decimal(5)}) if at % 2 else cost.rates
        changed = {"monthly_after_discounts": spend, "rates": rates}
        update["current_cost"] = cost.model_copy(update=changed)
    if at % 4 == 3:
        update["current"] = record.current.model_copy(update={"option": "older"})
    return seal(record.model_copy(update=update))


def one_in_use(record: DecisionRecord, billed: Decimal | None) -> DecisionRecord:
    """Accepted, in production, and verified where a bill says what was saved."""
    for to, actor in ((State.ACCEPTED, Actor.OWNER), (State.IMPLEMENTED, Actor.LOCK)):
        step = Move(to=to, actor=actor, by="dana", by_source="--by", at=NOW, reason="so")
        record = move(record, step)
    if billed is None or record.savings is None:
        return record
    bill = Move(
        to=State.VERIFIED, actor=Actor.BILL, by="x", by_source="machine", at=NOW, reason="b"
    )
    months = {"realised": billed, "verified_at": NOW, "realised_months": ("2026-10", "2026-11")}
    saved = record.savings.model_copy(update=months)
    return seal(move(record, bill).model_copy(update={"savings": saved}))


@pytest.fixture(scope="module")
def lived(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The company a day before its decisions are due, with a quarter behind it."""
    root = tmp_path_factory.mktemp("lived")
    records = read_records(folder)
    down = [one.feature.id for one in records if one.verdict is Verdict.DOWNGRADE]
    billed = {down[0]: Decimal("211.37"), down[1]: None}
    write_records([a_quarter_before(one, at) for at, one in enumerate(records[:-1])],
                  root / "2026-Q3")  # fmt: skip
    now = [
        one_in_use(one, billed[one.feature.id]) if one.feature.id in billed else one
        for one in records
    ]
    write_records(now, root / "2026-Q4")
    publish(read_records(root / "2026-Q4"), root / "2026-Q4", now=LATER)
    month = month_of(NOVEMBER, LATER.date())
    publish_month(read_every(root), month, root, now=LATER)
    return root / "2026-Q4"


def test_every_figure_of_a_second_quarter_follows(lived: Path) -> None:
    page = (lived / "index.html").read_text(encoding="utf-8")
    for title in ("Realised against forecast", "Why the spend changed", "overdue"):
        assert title in page
    found = program.recompute_index(lived, LATER.date()).findings
    assert [f"{one.where}: {one.why}: {one.text}" for one in found] == []


def test_every_figure_of_a_month_s_page_follows(lived: Path) -> None:
    found = recompute_month(lived.parent, NOVEMBER, LATER.date())
    assert [f"{one.where}: {one.why}: {one.text}" for one in found.findings] == []
    assert found.figures > 150
    page = (lived.parent / "monthly" / "2026-11.html").read_text(encoding="utf-8")
    for title in ("The ten drivers", "What was verified", "What changed", "Due by 2026-12-31"):
        assert title in page


def test_every_record_of_the_company_proves_itself(folder: Path) -> None:
    """By the code that decided it, and by one that imports nothing of ours."""
    tested = 0
    for path in sorted((folder / "records").glob("*.json")):
        record = json.loads(path.read_text(encoding="utf-8"))
        assert check(record) == [], path.name
        if "design" in record["evidence"]:
            tested += 1
            assert prove(path).faults == (), path.name
    assert tested >= 8  # of the company's features


def test_few_digits_are_no_figures() -> None:
    """What is left out of the recomputation is a short list that anybody can read."""
    assert len(EXCEPTIONS) <= 40


def test_the_program_imports_nothing_of_ours() -> None:
    for path in sorted(Path(__file__).parent.glob("*.py")):
        if path.name in FIXTURES:
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names: list[str] = []
            if isinstance(node, ast.Import):
                names = [one.name for one in node.names]
            elif isinstance(node, ast.ImportFrom):
                names = [node.module or ""]
            for name in names:
                ours = name.startswith("tests.recompute")
                assert ours or name.partition(".")[0] in sys.stdlib_module_names, (path, name)


@dataclass(frozen=True, slots=True, kw_only=True)
class Plant:
    """A wrong figure, and the page or record that it is put into."""

    where: str
    put: Callable[[Path], None]

    def found(self, folder: Path, day: date) -> bool:
        """Whether the program tells it, by what it reads of this page, or of this record's."""
        kind, _, name = self.where.rpartition("/")
        if kind:
            report = program.recompute_feature(folder, name.partition(".")[0])
        else:
            report = program.recompute_index(folder, day)
        return report.findings != []


def on_page(page: str, pattern: str, new: str) -> Plant:
    """Put another figure where the pattern's group stands, once."""

    def plant(folder: Path) -> None:
        path = folder / page
        text = path.read_text(encoding="utf-8")
        found = re.search(pattern, text)
        assert found is not None, (page, pattern)
        assert found[1] != new
        start, end = found.span(1)
        path.write_text(f"{text[:start]}{new}{text[end:]}", encoding="utf-8")

    return Plant(where=page, put=plant)


def in_record(feature: str, change: Callable[[Any], None]) -> Plant:
    def plant(folder: Path) -> None:
        path = folder / "records" / f"{feature}.json"
        record = json.loads(path.read_text(encoding="utf-8"))
        change(record)
        path.write_text(json.dumps(record), encoding="utf-8")

    return Plant(where=f"records/{feature}.json", put=plant)


def a_count_of_other_cases(record: Any) -> None:  # JSON
    record["options"][0]["quality"]["both_right"] -= 14


def a_bound_of_other_cases(record: Any) -> None:  # JSON
    record["options"][-1]["quality"]["worst"] += 1.5


def a_saving_at_another_price(record: Any) -> None:  # JSON
    record["savings"]["after_discounts"] = "301"


def a_net_saving_without_its_errors(record: Any) -> None:  # JSON
    record["savings"]["net_monthly"] = record["savings"]["after_discounts"]


def a_break_even_at_list_price(record: Any) -> None:
    even = record["options"][0]["error_break_even"]
    even["at_worst"] = str(Decimal(even["at_worst"]) / Decimal("0.6"))


PLANTED = {
    "counts of some cases in the record": in_record("mails", a_count_of_other_cases),
    "the bound of other cases in the record": in_record("tickets", a_bound_of_other_cases),
    "the saving at another price": in_record("tickets", a_saving_at_another_price),
    "the gross saving as the net one": in_record("priced", a_net_saving_without_its_errors),
    "cases of the pilot as cases that decide": on_page(
        "documents/tickets.md", r"On (\d+) held-back", "207"
    ),
    "the gross saving in a title of the net one": on_page(
        "documents/priced.html", r"(?s)<h1>.*?saves USD\s([\d,]+) a month net", "287"
    ),
    "what staying costs at another price": on_page(
        "documents/mails.md", r"What staying costs.\*\* USD ([\d,]+) a month", "328"
    ),
    "a mistake's cost that does not add up": on_page(
        "documents/priced.md", r"each \| -(\d+) \|", "12"
    ),
    "a proposal that was refused in the headline": on_page(
        "index.md", r"Proposed saving USD ([\d,]+) a month", "1,370"
    ),
    "a group that is a cent off": on_page(
        "index.html", r"(?s)>support</th>.*?>([\d,]+\.\d\d)<", "2,624.01"
    ),
    "a saving in the table": on_page(
        "portfolio.csv", r"proposed saving,328.00,41,([\d.]+)", "328.00"
    ),
    "the chance that was left": on_page(
        "documents/faxes.md", r"within the limit was ([\d.]+) %", "7.5"
    ),
    "what a constant answer would score": on_page(
        "documents/tickets.md", r"would be right on (\d+)\.", "12"
    ),
    "a bound in cases that promises more": on_page(
        "documents/prompt.html", r"up to ([\d.]+) cannot be excluded", "1"
    ),
    "a large figure": on_page("documents/priced.md", r"USD ([\d,]+) in twelve months", "3,191"),
    "a large figure of a bound": on_page(
        "documents/priced.html", r"at worst ([\d.]+) in 1,?000?; limit", "6"
    ),
    "what is left in the sum": on_page(
        "documents/priced.html", r"(?s)left a month</th><td[^>]*>([\d,]+)<", "287"
    ),
    "what a mistake may cost": on_page(
        "documents/priced.md", r"stops paying \| USD ([\d.]+), at worst", "0.0286"
    ),
    "what waiting costs": on_page(
        "documents/priced.md", r"costs USD ([\d,]+) more each month", "266"
    ),
    "what staying costs, in short": on_page(
        "documents/mails.html", r"Staying costs USD\s([\d,]+) a month", "328"
    ),
    "the share of a pair": on_page("documents/chats.md", r"([\d.]+) % of its answers", "18.9"),
    "a figure that nobody knows": on_page(
        "documents/tickets.md", r"(\*\*Not known\.\*\*)", "**Not known.** 17 of them."
    ),
}


AT_LIST = {
    "the saving on the bill at list price": on_page(
        "documents/topic.md", r"saved on the bill: [^|]+ \| (\d+) \|", "370"
    ),
    "today's month at list price": on_page(
        "documents/topic.html", r"requests</th>\s*<td[^>]*>USD\s(\d+)<", "462"
    ),
    "the break-even at list price": in_record("topic", a_break_even_at_list_price),
}


@pytest.mark.parametrize("wrong", AT_LIST)
def test_a_figure_at_list_price_is_found(bought: Path, tmp_path: Path, wrong: str) -> None:
    copy = tmp_path / "review"
    shutil.copytree(bought, copy)
    AT_LIST[wrong].put(copy)
    assert AT_LIST[wrong].found(copy, date.today())  # noqa: DTZ011  # the command's own day


BEFORE_A_CALL = {
    "the most that it could save": on_page(
        "documents/feature-05.md", r"saves at most USD ([\d.]+) of", "1.99"
    ),
    "its cost at the fewest tokens": on_page(
        "documents/feature-05.html", r"and so cost USD\s([\d.]+)\)", "0.90"
    ),
    "the most that it could save in the record": in_record(
        "feature-11", lambda record: record["options"][0].update(saving_at_most="1.5")
    ),
}


@pytest.mark.parametrize("wrong", BEFORE_A_CALL)
def test_a_wrong_figure_of_a_feature_that_nobody_asked_is_found(
    unasked: Path, tmp_path: Path, wrong: str
) -> None:
    copy = tmp_path / "review"
    shutil.copytree(unasked, copy)
    BEFORE_A_CALL[wrong].put(copy)
    assert BEFORE_A_CALL[wrong].found(copy, NOW.date())


@pytest.mark.parametrize("wrong", PLANTED)
def test_a_planted_wrong_figure_is_found(sound: Path, tmp_path: Path, wrong: str) -> None:
    copy = tmp_path / "review"
    shutil.copytree(sound, copy)
    PLANTED[wrong].put(copy)
    assert PLANTED[wrong].found(copy, NOW.date())


IN_A_PICTURE = {
    "a bar's text": on_page("index.html", r"USD 211, forecast (\d+)</text>", "77"),
    "a picture's description": on_page("index.html", r"accepted: USD ([\d,]+), on 2", "1"),
    "a step of the waterfall": on_page("index.html", r"requests \+([\d,]+)</text>", "1"),
    "a figure beside the picture": on_page("index.md", r"\| retries \| [-+]([\d.]+) \|", "0.01"),
    "what was realised so far": on_page("index.html", r">(422\.74)<", "211.37"),
    "how many things are overdue": on_page("index.md", r"things, (\d+) overdue", "0"),
    "what is due": on_page("index.md", r"\| (\d{4}-\d\d-\d\d), overdue", "2027-01-01"),
    "the run-rate of a model": on_page(
        "index.html", r"(?s)Run-rate by model;.*?>([\d,]+\.\d\d)<", "1.00"
    ),
    "an option in the plane": on_page(
        "index.md", r"\| ([\d.]+) \| [-+\d.]+ \| [-+\d.]+ \| -5 \|", "1.5"
    ),
}


@pytest.mark.parametrize("wrong", IN_A_PICTURE)
def test_a_planted_wrong_figure_of_the_portfolio_is_found(
    lived: Path, tmp_path: Path, wrong: str
) -> None:
    shutil.copytree(lived.parent, tmp_path / "reviews")
    copy = tmp_path / "reviews" / "2026-Q4"
    IN_A_PICTURE[wrong].put(copy)
    assert IN_A_PICTURE[wrong].found(copy, LATER.date())


IN_A_MONTH = {
    "a driver's cost": on_page("2026-11.md", r"drivers[^@]*?\| ([\d,]+\.\d\d) \|", "1.00"),
    "what was realised": on_page("2026-11.html", r"(?s)Held against.*?>(211\.37)<", "287.00"),
    "how many are due": on_page("2026-11.md", r"overdue, (\d+) due by", "99"),
    "the run-rate": on_page("2026-11.md", r"\*\*USD ([\d,]+) a month\*\*", "1"),
    "why it changed": on_page("2026-11.md", r"\| requests \| \+([\d,.]+) \|", "1.00"),
}


@pytest.mark.parametrize("wrong", IN_A_MONTH)
def test_a_planted_wrong_figure_of_a_month_is_found(
    lived: Path, tmp_path: Path, wrong: str
) -> None:
    shutil.copytree(lived.parent, tmp_path / "reviews")
    IN_A_MONTH[wrong].put(tmp_path / "reviews" / "monthly")
    assert recompute_month(tmp_path / "reviews", NOVEMBER, LATER.date()).findings != []
