"""Answers paid for elsewhere: brought in by the command, reviewed without one call."""

import re
from pathlib import Path
from typing import Any

import pytest

from harness.bring.intake.values import ForeignModel, ImportedAnswers
from harness.bring.onramp.bringing import draft_workspace, read_all, read_answers
from harness.bring.onramp.naming import model_name, model_names
from harness.cli.main import run
from harness.errors import UsageError
from harness.record.base import Reason, Verdict
from harness.record.model import DecisionRecord, load
from tests.support.foreign import CONFIG, log_eval, result, results, sample

pytestmark = pytest.mark.slow

POLICY = """\
max_spend_usd: 10
risk: {low: {margin: 10}, medium: {margin: 15}, high: {margin: 3}}
minimum_saving_usd: 50
expires_days: {prices: 36500}
procedure: {kind: holm}
"""
FACTS = """\
owner: dana@example.com
team: support
product: helpdesk
data: internal
agreed: {by: dana, on: 2026-09-14}
traffic: {requests_per_month: 900000, input_tokens: 27, output_tokens: 2, source: gateway log}
"""


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    (tmp_path / "policy.yaml").write_text(POLICY, encoding="utf-8")
    return tmp_path


def fill_in(root: Path, feature: str) -> None:
    """What a person does after the first import."""
    path = root / "features" / f"{feature}.yaml"
    path.write_text(path.read_text("utf-8") + FACTS, encoding="utf-8")
    path = root / "models" / f"{feature}.yaml"
    text = path.read_text("utf-8").replace("may_see: []", "may_see: [internal]")
    for name, price in (("large", 10), ("small", 1)):
        entry = f"price: [{{from: 2026-01-01, input: {price}, output: {price}, source: list}}]"
        text = re.sub(rf"(?m)^({name}.*:)$", rf"\1\n  {entry}", text)
    path.write_text(text, encoding="utf-8")


def about_two_topics(row: dict[str, Any]) -> dict[str, Any]:
    """Every other ticket is about the other topic: else one answer would be right on all."""
    if row["testIdx"] % 2:
        other = {"billing": "technical", "technical": "billing"}
        row["vars"]["expected"] = other[row["vars"]["expected"]]
        row["response"]["output"] = other[row["response"]["output"]]
    return row


def promptfoo_file(folder: Path, *, cases: int = 120, lacking: int = 0) -> Path:
    rows = [
        about_two_topics(
            result(number, model, passed=number % 30 != (0 if model == "large" else 1))
        )
        for number in range(cases)
        for model in ("large", "small")
        if not (model == "small" and number < lacking)
    ]
    path = folder / "results.json"
    path.write_bytes(results(rows))
    return path


def reviewed(root: Path, feature: str) -> DecisionRecord:
    assert run(["review", "-w", str(root), "--cycle", "2026-Q4", "--yes"]) == 0
    (path,) = root.glob(f"reviews/*/records/{feature}.json")
    return load(path.read_text("utf-8"))


def brought(root: Path, *words: str) -> int:
    return run(["import", "outcomes", *words, "-f", "routing", "-w", str(root)])


@pytest.mark.parametrize("passed", [False, True])
def test_grades_that_are_all_alike_tell_no_model_from_another(
    workspace: Path, *, passed: bool
) -> None:
    """Never passed: nothing is shown. Always passed: the difference holds, on too easy cases."""
    rows = [result(n, model, passed=passed) for n in range(120) for model in ("large", "small")]
    (workspace / "results.json").write_bytes(results(rows))
    source = str(workspace / "results.json")
    assert brought(workspace, source, "--incumbent", "large") == 2
    fill_in(workspace, "routing")
    assert brought(workspace, source) == 0
    record = reviewed(workspace, "routing")
    floor = record.evidence.floor
    assert floor is not None
    assert (floor.right, floor.all_right) == (120 if passed else 0, passed)
    if passed:
        assert record.verdict is Verdict.DOWNGRADE
    else:
        assert record.verdict is Verdict.UNDECIDED
        assert record.reason_codes == (Reason.EVALSET_CANNOT_TELL,)


def test_promptfoo_s_results_become_a_verdict_without_a_call(
    workspace: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source = str(promptfoo_file(workspace))
    assert brought(workspace, source, "--incumbent", "large") == 2
    assert "fill these in, then run the same command again" in capsys.readouterr().err
    fill_in(workspace, "routing")
    assert brought(workspace, source) == 0
    assert "240 written" in capsys.readouterr().out
    assert brought(workspace, source) == 0
    assert "240 there already" in capsys.readouterr().out
    record = reviewed(workspace, "routing")
    (option,) = record.options
    assert record.evidence.imported
    assert record.verdict is Verdict.DOWNGRADE
    assert option.quality is not None
    assert option.quality.metric == "graded"
    assert option.missing is not None
    assert option.missing.candidate == 0
    assert "imported" in record.evidence.eval_set.provenance


def test_logs_of_inspect_become_a_verdict_with_their_own_accuracy(workspace: Path) -> None:
    files: list[str] = []
    for model, bad in (("large", (1,)), ("small", (1, 2))):
        samples = [sample(n, value="I" if n % 30 in bad else "C") for n in range(1, 121)]
        path = workspace / f"{model}.eval"
        path.write_bytes(log_eval(samples, model=f"openai/{model}"))
        files.append(str(path))
    brought(workspace, *files, "--incumbent", "openai/large")
    fill_in(workspace, "routing")
    assert brought(workspace, *files) == 0
    record = reviewed(workspace, "routing")
    assert record.current.served_versions == ("small-1-2026-01-01",)
    assert record.options[0].quality is not None
    assert record.options[0].quality.current == pytest.approx(100 * 116 / 120)
    assert record.options[0].quality.candidate == pytest.approx(100 * 112 / 120)


def test_cases_that_one_model_lacks_are_missing_and_told(
    workspace: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source = str(promptfoo_file(workspace, lacking=12))
    brought(workspace, source, "--incumbent", "large")
    fill_in(workspace, "routing")
    capsys.readouterr()
    assert brought(workspace, source) == 0
    assert "small has no answer to 12 cases that others answered" in capsys.readouterr().out
    record = reviewed(workspace, "routing")
    assert record.verdict is Verdict.UNDECIDED
    assert record.options[0].missing is not None
    assert record.options[0].missing.candidate > 0


def test_a_converted_configuration_scores_the_answers_itself(
    workspace: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = workspace / "promptfooconfig.yaml"
    tests = "".join(
        f"  - vars: {{ticket: Ticket {n}, expected: {('billing', 'technical')[n % 2]}, "
        "channel: mail}\n"
        for n in range(120)
    )
    config.write_text(CONFIG[: CONFIG.index("  - vars")] + tests, encoding="utf-8")
    words = ["import", "promptfoo", str(config), "-f", "routing", "-w", str(workspace)]
    assert run(words) == 0
    shown = capsys.readouterr().out
    assert "120 cases, 120 assertions as scorer assertions" in shown
    assert "promptfooconfig.yaml:15: javascript: assertion not converted" in shown
    source = str(promptfoo_file(workspace))
    brought(workspace, source, "--incumbent", "large")
    fill_in(workspace, "routing")
    capsys.readouterr()
    assert brought(workspace, source) == 0
    shown = capsys.readouterr().out
    assert "240 written" in shown
    assert "score differently" not in shown
    record = reviewed(workspace, "routing")
    assert record.verdict is Verdict.DOWNGRADE
    assert record.current_quality == pytest.approx(100 * (1 - 4 / 120))


TABLE = "case,model,score,input_tokens,output_tokens,seconds\n" + "".join(
    f"{n},{model},{int(n % 30 != bad)},27,2,0.5\n"
    for n in range(120)
    for model, bad in (("large", 0), ("small", 1))
)


def test_a_plain_table_is_enough(workspace: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source = workspace / "answers.csv"
    source.write_text(TABLE + "9,other,1,27,2,0.5\n", encoding="utf-8")
    assert brought(workspace, str(source)) == 2
    assert "say which model is in production: --incumbent" in capsys.readouterr().err
    brought(workspace, str(source), "--incumbent", "large")
    fill_in(workspace, "routing")
    path = workspace / "features" / "routing.yaml"
    text = path.read_text("utf-8").replace("[small, other]", "[small]")
    path.write_text(text, encoding="utf-8")
    capsys.readouterr()
    assert brought(workspace, str(source)) == 0
    shown = capsys.readouterr().out
    assert "240 written" in shown
    assert "1 left out" in shown
    assert "model 'other' is no option of routing" in shown
    assert reviewed(workspace, "routing").verdict is Verdict.DOWNGRADE


def test_unknown_usage_stays_unknown(workspace: Path) -> None:
    source = workspace / "answers.csv"
    source.write_text(
        re.sub(r",27,2,0.5", "", TABLE).replace(",input_tokens,output_tokens,seconds", ""),
        encoding="utf-8",
    )
    brought(workspace, str(source), "--incumbent", "large")
    fill_in(workspace, "routing")
    assert brought(workspace, str(source)) == 0
    record = reviewed(workspace, "routing")
    assert record.options[0].cost.basis != "measured"
    assert record.evidence.spend.total_usd == 0


def test_names_of_models_are_ours_and_each_its_own() -> None:
    assert model_name("anthropic:messages:claude-haiku-4-5") == "claude-haiku-4-5"
    assert model_name("bedrock:us.amazon.nova-lite-v1:0") == "us.amazon.nova-lite-v1-0"
    told = [ForeignModel(name=name, id=name) for name in ("openai/gpt-4o", "openai:chat:gpt-4o")]
    told.append(ForeignModel(name="openai:m / short", id="openai:m", part="short"))
    assert model_names(told) == {
        "openai/gpt-4o": "gpt-4o",
        "openai:chat:gpt-4o": "gpt-4o-2",
        "openai:m / short": "m-short",
    }


def answers(tmp_path: Path) -> ImportedAnswers:
    return read_answers(promptfoo_file(tmp_path).read_bytes(), file="results.json")


def test_an_unknown_incumbent_is_refused(workspace: Path) -> None:
    with pytest.raises(
        UsageError,
        match="--incumbent huge: not in the file; it has openai:chat:large, openai:chat:small",
    ):
        draft_workspace(workspace, "routing", answers(workspace), incumbent="huge")


def test_files_of_two_tools_are_not_mixed(workspace: Path) -> None:
    log = workspace / "l.eval"
    log.write_bytes(log_eval([sample(1)]))
    with pytest.raises(UsageError, match="files of inspect_ai and promptfoo at once"):
        read_all([log, promptfoo_file(workspace)])


FAILING = """\
case,model,repeat,answer,target,input_tokens,output_tokens
1,large,0,billing,billing,27,2
1,small,0,,billing,27,2
2,large,0,technical,technical,27,2
2,large,1,technical,technical,27,2
3,large,0,billing,technical,27,2
99,large,0,billing,technical,27,2
"""


def test_what_fits_no_trial_is_left_out_and_told(
    workspace: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source = workspace / "answers.csv"
    source.write_text(FAILING.replace("1,small,0,,", "1,small,0,yes,"), encoding="utf-8")
    brought(workspace, str(source), "--incumbent", "large")
    fill_in(workspace, "routing")
    path = workspace / "evalsets" / "routing" / "evalset.yaml"
    path.write_text(path.read_text("utf-8").replace("repeats: 2\n", ""), encoding="utf-8")
    cases = path.parent / "cases.jsonl"
    lines = [line for line in cases.read_text("utf-8").splitlines() if '"99"' not in line]
    cases.write_text("\n".join(lines) + "\n", encoding="utf-8")
    capsys.readouterr()
    assert brought(workspace, str(source)) == 0
    shown = capsys.readouterr().out
    assert "4 written; 2 left out" in shown
    assert "evalset.yaml wants 1 repeat only" in shown
    assert "case '99' is not in the eval set" in shown
    assert "scored differently" not in shown


def test_a_failure_of_the_model_is_kept_as_one_and_grades_are_compared(
    workspace: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    output = sample(1)["output"]
    refused = [{"message": {"content": "no"}, "stop_reason": "content_filter"}]
    samples = [
        sample(1),
        sample(2, output=output | {"choices": refused}),
        sample(3, value="I"),
        sample(4, error={"message": "boom"}, scores={}),
        sample(5, scores={}),
    ]
    files = [workspace / "large.eval", workspace / "small.eval"]
    for path in files:
        path.write_bytes(log_eval(samples, model=f"openai/{path.stem}"))
    names = [str(path) for path in files]
    brought(workspace, *names, "--incumbent", "large")
    fill_in(workspace, "routing")
    capsys.readouterr()
    assert brought(workspace, *names) == 0
    shown = capsys.readouterr().out
    assert "2 missing" in shown
    assert "no answer that graded could score" in shown
    path = workspace / "evalsets" / "routing" / "evalset.yaml"
    text = re.sub(r"(?m)^primary: .*$", "primary: {scorer: exact}", path.read_text("utf-8"))
    path.write_text(text, encoding="utf-8")
    assert brought(workspace, *names) == 2
    assert brought(workspace, *names, "--replace") == 0
    assert "exact and inspect_ai: includes score 2 answers differently" in capsys.readouterr().out


def test_answers_that_were_brought_in_are_read_to_the_last(workspace: Path) -> None:
    """Giving an option up would spare nothing: one that is not shown stays open."""
    policy = POLICY.replace("medium: {margin: 15}", "medium: {margin: 5}")
    (workspace / "policy.yaml").write_text(policy.replace("holm", "ladder"), encoding="utf-8")
    wrong = {"large": (16, 1), "small": (10, 4)}
    rows = [
        result(number, model, passed=number % every != rest)
        for number in range(200)
        for model, (every, rest) in wrong.items()
    ]
    source = workspace / "results.json"
    source.write_bytes(results(rows))
    brought(workspace, str(source), "--incumbent", "large")
    fill_in(workspace, "routing")
    assert brought(workspace, str(source)) == 0
    record = reviewed(workspace, "routing")
    (option,) = record.options
    assert option.quality is not None
    assert option.quality.n == record.evidence.eval_set.deciding
    assert (record.verdict, option.stopped) == (Verdict.UNDECIDED, None)
    assert record.still_needed is not None
    assert (record.still_needed.cases or 0) > 200
