"""Inputs that were reported in public, through the commands: what must come out of each."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from harness.cli.main import run
from tests.support.foreign import result, results

FEATURE = """\
name: Receipts
owner: a@example.com
team: t
product: p
data: internal
risk: medium
agreed: {by: a, on: 2026-09-14}
incumbent: large
candidates: [small]
answers: imported
traffic: {requests_per_month: 400000, input_tokens: 900, output_tokens: 50, source: x}
"""
MODELS = """\
large: {provider: openai, may_see: [internal], price: [{from: 2026-11-20, input: 4, output: 20, source: q}]}
small: {provider: openai, may_see: [internal], price: [{from: 2026-11-20, input: 0.4, output: 2, source: q}]}
"""  # noqa: E501
AMOUNTS = [f"{7 * at % 97},{at % 10}" for at in range(1, 121)]


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    assert run(["init"]) == 0
    (tmp_path / "rightsizing" / "features" / "example.yaml").unlink()
    policy = tmp_path / "rightsizing" / "policy.yaml"
    text = policy.read_text(encoding="utf-8")
    # The day of the run must not matter: prices stay good.
    assert "prices: 45" in text
    policy.write_text(text.replace("prices: 45", "prices: 36500"), encoding="utf-8")
    return tmp_path / "rightsizing"


def filled_in(root: Path) -> None:
    (root / "features" / "f.yaml").write_text(FEATURE, encoding="utf-8")
    (root / "models" / "m.yaml").write_text(MODELS, encoding="utf-8")


def test_decimal_commas_tell_wrong_answers_from_right_ones_to_the_verdict(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    cases = "id;input;target\n" + "".join(
        f"r-{at};Amount on receipt {at}?;{amount}\n" for at, amount in enumerate(AMOUNTS)
    )
    answers = "case;model;answer;input_tokens;output_tokens\n" + "".join(
        f"r-{at};{model};{'1' * (model == 'small')}{amount};900;5\n"
        for at, amount in enumerate(AMOUNTS)
        for model in ("large", "small")
    )
    Path("cases.csv").write_text(cases, encoding="utf-8")
    Path("answers.csv").write_text(answers, encoding="utf-8")
    assert run(["import", "csv", "cases.csv", "-f", "f"]) == 0
    shown = capsys.readouterr().out
    assert "numbers are read as de writes them (1.234,5)" in shown
    assert shown.count(" is read as ") == 5
    assert '"locale":"de"' in (root / "evalsets" / "f" / "evalset.yaml").read_text("utf-8")
    filled_in(root)
    assert run(["import", "outcomes", "answers.csv", "-f", "f"]) == 0
    assert run(["review", "--cycle", "2026-Q4", "--yes"]) == 0
    assert "DOWNGRADE 0   JUSTIFY 1" in capsys.readouterr().out
    for words in (["report"], ["verify"], ["why", "f"]):
        assert run([*words, "--cycle", "2026-Q4", "--json"]) == 0
        assert json.loads(capsys.readouterr().out)
    record = "rightsizing/reviews/2026-Q4/records/f.json"
    assert run(["verify", record, "--json"]) == 0
    (told,) = json.loads(capsys.readouterr().out)
    assert told == {"record": record, "faults": [], "earlier_formula": []}


def test_half_a_surrogate_pair_is_written_as_a_sign_that_says_so(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = [result(at, model) for at in range(3) for model in ("large", "small")]
    rows[2]["vars"]["ticket"] = rows[3]["vars"]["ticket"] = "cut \ud83d"
    Path("r.json").write_bytes(results(rows))
    assert run(["import", "outcomes", "r.json", "-f", "f", "--incumbent", "large"]) == 2
    assert "internal error" not in capsys.readouterr().err
    lines = (root / "evalsets" / "f" / "cases.jsonl").read_text("utf-8").splitlines()
    assert any("cut \N{REPLACEMENT CHARACTER}" in str(json.loads(line)) for line in lines)


def test_calls_without_a_request_id_are_refused_and_not_merged(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("cases.csv").write_text("id,input,target\na,b,c\n", encoding="utf-8")
    assert run(["import", "csv", "cases.csv", "-f", "f"]) == 0
    filled_in(root)
    rows = [f"2026-10-{5 + at // 24:02d}T{at % 24:02d}:00:00Z,f,,9,2" for at in range(168)]
    head = "timestamp,feature,request_id,input_tokens,output_tokens"
    Path("calls.csv").write_text("\n".join([head, *rows]) + "\n", encoding="utf-8")
    assert run(["import", "traffic", "calls.csv"]) == 4
    told = capsys.readouterr().err
    assert "calls.csv: no call that can be counted (168 rows: no request id)" in told
    assert [each.name for each in (root / "traffic").iterdir()] == ["calls.refused.jsonl"]
