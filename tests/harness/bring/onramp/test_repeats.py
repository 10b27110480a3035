"""Answers brought in: further rows of a case are its repeats, and pair whatever their ids."""

from __future__ import annotations

import csv
import io
import json
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from harness.bring.intake.values import placeholder_input
from harness.bring.onramp.bringing import read_all
from harness.bring.onramp.known_cases import KnownCases
from harness.errors import UsageError
from harness.record.base import Reason, Verdict
from harness.record.model import load
from tests.support.foreign import log_eval, result, results, sample
from tests.support.imports import brought, outcome_workspace, reviewed
from tests.support.outcomes_table import outcomes_table

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from harness.record.model import DecisionRecord

pytestmark = pytest.mark.slow

Rows = list[dict[str, str]]


def table(cases: int = 90) -> Rows:
    return list(csv.DictReader(io.StringIO(outcomes_table(cases))))


def written(path: Path, rows: Sequence[dict[str, str]]) -> Path:
    path.parent.mkdir(exist_ok=True)
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, fieldnames=list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    return path


def finding(record: DecisionRecord) -> dict[str, Any]:
    """All that a record says but when it was made and which file it came from."""
    made = record.model_dump(exclude={"generated_at", "etag", "finding_sha256"})
    made["evidence"].pop("journal_runs")
    return made


def found(root: Path, rows: Rows) -> DecisionRecord:
    outcome_workspace(root, written(root / "answers.csv", rows))
    return reviewed(root)


@given(picked=st.lists(st.integers(0, 89), min_size=1, max_size=30))
@settings(
    max_examples=3,
    deadline=None,
    phases=[Phase.generate],
    suppress_health_check=[HealthCheck.too_slow],
)
def test_copies_of_any_rows_change_no_figure_of_the_verdict(
    picked: list[int], tmp_path_factory: pytest.TempPathFactory
) -> None:
    rows = table()
    again = [
        {**row, "case": f"again-{at}"}
        for at, number in enumerate(picked)
        for row in rows[2 * number : 2 * number + 2]
    ]
    plain = found(tmp_path_factory.mktemp("plain"), rows)
    copied = found(tmp_path_factory.mktemp("copied"), [*rows, *again])
    assert plain.options[0].quality is not None
    assert finding(copied) == finding(plain)


def test_rows_of_one_case_under_other_ids_are_averaged_within_it(tmp_path: Path) -> None:
    """Five answers of the small model to ten cases, two right; one answer to each of the others."""
    rows = table()
    extra: Rows = []
    for number in range(10):
        ours, small = rows[2 * number], rows[2 * number + 1]
        wrong = "billing" if ours["target"] != "billing" else "account"
        small["answer"] = small["target"]
        extra += [
            {
                **small,
                "case": f"more-{number}-{at}",
                "answer": small["target"] if at == 0 else wrong,
            }
            for at in range(4)
        ]
    record = found(tmp_path, [*rows, *extra])
    quality = record.options[0].quality
    assert quality is not None
    scores: dict[str, dict[str, list[bool]]] = {}
    for row in [*rows, *extra]:
        by_model = scores.setdefault(row["input"], {})
        by_model.setdefault(row["model"], []).append(row["answer"] == row["target"])
    mean = [sum(each["gpt-5.4-mini"]) / len(each["gpt-5.4-mini"]) for each in scores.values()]
    assert record.evidence.eval_set.n == 90
    assert len(mean) == 90
    assert record.options[0].missing is not None
    assert record.options[0].missing.candidate == 0
    assert quality.repeats == 5
    assert quality.n <= 90
    if quality.n == 90:
        assert quality.candidate == pytest.approx(100 * sum(mean) / 90, abs=1e-4)


def test_each_model_under_its_own_ids_pairs_by_what_was_asked(tmp_path: Path) -> None:
    rows = table()
    apart = [
        {**row, "case": f"{row['model']}-{len(rows) - at}"} for at, row in enumerate(reversed(rows))
    ]
    plain, other = found(tmp_path / "a", rows), found(tmp_path / "b", apart)
    assert other.evidence.eval_set.n == plain.evidence.eval_set.n == 90
    assert other.options[0].missing == plain.options[0].missing
    assert other.verdict is plain.verdict


def promptfoo(path: Path, questions: Sequence[int], model: str, repeats: int = 1) -> Path:
    rows = [
        result(at * repeats + again, model, vars={"ticket": f"Ticket number {number}"})
        for at, number in enumerate(questions)
        for again in range(repeats)
    ]
    path.write_bytes(results(rows))
    return path


def test_repeats_of_twelve_cases_are_twelve_cases(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = [
        result(number * 25 + again, model, vars={"ticket": f"Ticket number {number}"})
        for number in range(12)
        for again in range(25)
        for model in ("gpt-5.4", "gpt-5.4-mini")
    ]
    source = tmp_path / "results.json"
    source.write_bytes(results(rows))
    outcome_workspace(tmp_path, source)
    assert "300 case ids, 12 cases: rows that ask the same are one case" in capsys.readouterr().out
    record = reviewed(tmp_path)
    assert record.verdict is Verdict.UNDECIDED
    assert record.evidence.eval_set.n == 12
    assert Reason.SAMPLE_TOO_SMALL in record.reason_codes


def test_repeats_with_other_answers_are_kept_as_repeats(tmp_path: Path) -> None:
    rows = [
        result(number * 3 + again, model, passed=again != 1, vars={"ticket": f"Ticket {number}"})
        for number in range(4)
        for again in range(3)
        for model in ("gpt-5.4", "gpt-5.4-mini")
    ]
    (tmp_path / "r.json").write_bytes(results(rows))
    whole, _ = read_all([tmp_path / "r.json"])
    assert len(whole.cases) == 4
    assert [each.repeat for each in whole.answers] == [0, 1, 2] * 8
    (note,) = whole.notes
    assert note.startswith("12 case ids, 4 cases: rows that ask the same are one case, ")
    assert note.endswith("their further answers its repeats")


def test_two_runs_with_their_tests_in_another_order_pair_by_what_was_asked(tmp_path: Path) -> None:
    one = promptfoo(tmp_path / "one.json", range(30), "gpt-5.4")
    other = promptfoo(tmp_path / "other.json", range(29, -1, -1), "gpt-5.4-mini")
    whole, _ = read_all([one, other])
    inputs = {case.id: case.input for case in whole.cases}
    assert len(inputs) == 30
    by_model = {
        model: {each.case_id for each in whole.answers if each.model == model}
        for model in whole.models
    }
    assert whole.models == ("openai:chat:gpt-5.4", "openai:chat:gpt-5.4-mini")
    assert all(asked == set(inputs) for asked in by_model.values())


def test_tests_of_one_number_that_ask_other_things_are_other_cases(tmp_path: Path) -> None:
    one = promptfoo(tmp_path / "one.json", [1, 2], "gpt-5.4")
    other = promptfoo(tmp_path / "other.json", [3], "gpt-5.4")
    whole, _ = read_all([one, other])
    assert {case.id: case.input for case in whole.cases} == {
        "test-0": "Ticket number 1",
        "test-1": "Ticket number 2",
        "test-0-2": "Ticket number 3",
    }


def test_a_second_run_in_one_command_is_a_repeat(tmp_path: Path) -> None:
    paths: list[Path] = []
    for run_number, passed in enumerate((True, False)):
        path = tmp_path / f"{run_number}.json"
        path.write_bytes(results([result(n, "gpt-5.4", passed=passed) for n in range(5)]))
        paths.append(path)
    whole, _ = read_all(paths)
    assert sorted((each.case_id, each.repeat) for each in whole.answers) == [
        (f"test-{n}", repeat) for n in range(5) for repeat in (0, 1)
    ]
    same, _ = read_all([paths[0], paths[0]])
    assert [each.repeat for each in same.answers] == [0] * 5


def test_epochs_of_inspect_stay_repeats_though_they_say_the_same(tmp_path: Path) -> None:
    samples = [sample(n, epoch=epoch) for n in (1, 2) for epoch in (1, 2)]
    (tmp_path / "l.eval").write_bytes(log_eval(samples))
    whole, _ = read_all([tmp_path / "l.eval"])
    assert [(each.case_id, each.repeat) for each in whole.answers] == [
        ("1", 0), ("1", 1), ("2", 0), ("2", 1),
    ]  # fmt: skip


def test_copies_with_two_targets_are_refused_with_both_ids(tmp_path: Path) -> None:
    rows = table(2)
    path = written(tmp_path / "a.csv", [*rows, {**rows[0], "case": "x", "target": "none"}])
    with pytest.raises(UsageError, match=r"a\.csv: case 'x' asks the same as case 't-001'"):
        read_all([path])


def test_what_a_table_leaves_open_contradicts_nothing(tmp_path: Path) -> None:
    rows = table(2)
    rows[1]["input"] = rows[1]["target"] = rows[2]["input"] = ""
    whole, _ = read_all([written(tmp_path / "a.csv", rows)])
    assert [(case.id, case.input) for case in whole.cases] == [
        ("t-001", rows[0]["input"]),
        ("t-002", rows[3]["input"]),
    ]
    assert len(whole.answers) == 4


def test_further_rows_of_a_table_that_numbers_none_are_repeats(tmp_path: Path) -> None:
    rows = table(3)
    again = [{**row, "answer": "other"} for row in rows[:2]]
    whole, _ = read_all([written(tmp_path / "a.csv", [*rows, *again])])
    assert len(whole.cases) == 3
    assert sorted(each.repeat for each in whole.answers) == [0] * 6 + [1] * 2
    copied, _ = read_all([written(tmp_path / "b.csv", [*rows, *rows, *rows[:2]])])
    assert [each.repeat for each in copied.answers] == [0] * 6
    assert copied.notes == ("8 answers read once: copies of rows, the same for every model",)


def test_a_later_file_with_other_ids_finds_the_cases_that_are_there(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = table()
    only_today = [row for row in rows if row["model"] == "gpt-5.4"]
    outcome_workspace(tmp_path, written(tmp_path / "all.csv", rows))
    capsys.readouterr()
    other = [{**row, "case": f"z-{at}"} for at, row in enumerate(reversed(only_today))]
    assert brought(tmp_path, written(tmp_path / "later.csv", other)) == 0
    assert "answers: 90 there already" in capsys.readouterr().out
    wrong = [{**row, "case": rows[0]["case"], "input": "Something else"} for row in rows[2:3]]
    assert brought(tmp_path, written(tmp_path / "wrong.csv", wrong)) == 0
    shown = capsys.readouterr().out
    assert "answers: 1 left out" in shown
    assert "case 't-001' asks something else in the eval set than in wrong.csv" in shown


def test_a_repeat_without_an_answer_is_missing_among_those_that_have_one(tmp_path: Path) -> None:
    rows = [
        result(
            number * 3 + again,
            model,
            passed=again != 2,
            vars={"ticket": f"Ticket {number}"},
            **(
                {"failureReason": 2, "error": "boom"}
                if again == 1 and model == "gpt-5.4-mini"
                else {}
            ),
        )
        for number in range(60)
        for again in range(3)
        for model in ("gpt-5.4", "gpt-5.4-mini")
    ]
    source = tmp_path / "results.json"
    source.write_bytes(results(rows))
    outcome_workspace(tmp_path, source)
    record = reviewed(tmp_path)
    missing = record.options[0].missing
    assert missing is not None
    assert missing.current == 0
    assert missing.candidate > 0
    assert record.verdict is Verdict.UNDECIDED
    assert Reason.RUN_INCOMPLETE in record.options[0].reason_codes


def test_a_case_is_found_by_what_it_asks_before_its_id(tmp_path: Path) -> None:
    whole, _ = read_all([written(tmp_path / "a.csv", table(3))])
    first, second, third = whole.cases
    known = KnownCases.of(whole.cases, copies=[("again", "t-002")])
    assert known.find(second) == second
    assert known.find(load_case(second, id="t-001")) == second
    unknown = load_case(third, id="again", input=placeholder_input("again"))
    assert known.find(unknown) == second
    assert known.find(load_case(first, input="else")) is None
    assert known.find(load_case(first, metadata=(("k", "v"),))) == first


def load_case(case: Any, **changes: object) -> Any:
    fields = {name: getattr(case, name) for name in case.__dataclass_fields__}
    return type(case)(**{**fields, **changes})


def test_the_record_written_is_the_record_read(tmp_path: Path) -> None:
    record = found(tmp_path, table())
    (path,) = tmp_path.glob("reviews/*/records/*.json")
    assert load(path.read_text("utf-8")) == record
    assert json.loads(path.read_text("utf-8"))["evidence"]["eval_set"]["n"] == 90
