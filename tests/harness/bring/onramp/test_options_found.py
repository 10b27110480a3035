"""Which option of a feature an imported answer is of: by name alone, or the line to write."""

import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
import yaml

from harness.cli.main import run
from harness.workspace.state import journal_file
from tests.support.foreign import POLICY, log_json, result, results, sample

FEATURE = """\
name: Routing
owner: dana@example.com
team: support
product: helpdesk
data: internal
risk: medium
incumbent: big
"""
PRICED = "[{from: 2026-01-01, input: 10, output: 10, source: list}]"
TRAFFIC = "traffic: {requests_per_month: 9000, input_tokens: 27, output_tokens: 2, source: log}\n"
MODELS = f"big: {{provider: openai, may_see: [internal], price: {PRICED}}}\n"


def workspace(root: Path, feature: str, models: str) -> Path:
    for name, text in {
        "policy.yaml": POLICY,
        "features/routing.yaml": FEATURE + feature,
        "models/m.yaml": models,
    }.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text, encoding="utf-8")
    return root


def table(root: Path, *models: str) -> Path:
    path = root / "answers.csv"
    rows = [
        f"{case},{model},Ticket {case},{right},{right},27,2\n"
        for case, right in enumerate(("billing", "technical") * 2)
        for model in models
    ]
    head = "case,model,input,target,answer,input_tokens,output_tokens\n"
    path.write_text(head + "".join(rows), encoding="utf-8")
    return path


def files_of(root: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in root.rglob("*") if path.is_file()}


def brought(root: Path, *words: object) -> int:
    return run(["import", "outcomes", *map(str, words), "-f", "routing", "-w", str(root)])


@pytest.mark.parametrize("traffic", ["", TRAFFIC])
def test_an_answer_needs_neither_traffic_nor_a_price(
    tmp_path: Path, traffic: str, capsys: pytest.CaptureFixture[str]
) -> None:
    models = MODELS + "mini: {provider: openai, may_see: [internal]}\n"
    root = workspace(tmp_path, "candidates: [mini]\n" + traffic, models)
    assert brought(root, table(root, "big", "mini")) == 0
    assert "answers: 8 written" in capsys.readouterr().out
    with closing(sqlite3.connect(journal_file(root))) as journal:
        costs = [cost for (cost,) in journal.execute("SELECT cost_usd FROM attempts")]
    assert len(costs) == 8
    assert costs.count(None) == 4


def test_a_log_s_model_is_the_option_of_its_plain_or_undated_name(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    served = "{provider: openai-compatible, base_url: 'https://a.example', may_see: [internal]}"
    models = f"big: {served}\nsmall-1: {served}\n"
    root = workspace(tmp_path, "candidates: [small-1]\n", models)
    for name in ("openai/big", "acme/small-1-20260101"):
        run_ = {"task": "routing", "model": name}
        path = root / f"{name.partition('/')[2]}.json"
        path.write_bytes(log_json([sample(1), sample(2)], eval=run_))
    assert brought(root, root / "big.json", root / "small-1-20260101.json") == 0
    assert "answers: 4 written" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("candidates", "told"),
    [
        ("auto", "models/: add `nano: {provider: openai-compatible, may_see: [...]}`"),
        ("[mini]", "features/routing.yaml: candidates: add nano and models/: add `nano:"),
    ],
)
def test_models_that_are_no_option_are_told_with_what_to_write(
    tmp_path: Path, candidates: str, told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    models = MODELS + "mini: {provider: openai, may_see: [internal]}\n"
    root = workspace(tmp_path, f"candidates: {candidates}\n", models)
    assert brought(root, table(root, "mini", "nano")) == 0
    shown = capsys.readouterr().out
    assert "4 written; 4 left out" in shown
    assert f"model 'nano' is no option of routing: {told}" in shown


def test_where_no_answer_fits_nothing_is_written(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    root = workspace(tmp_path, "candidates: auto\n", MODELS)
    source = table(root, "mini", "nano")
    before = files_of(root)
    assert brought(root, source) == 2
    said = capsys.readouterr().err
    assert "model 'mini' is no option of routing: models/: add" in said
    assert "features/routing.yaml: incumbent: big has no answer in the file either" in said
    assert "no answer of the file is one of the feature's; none written" in said
    assert files_of(root) == before


@pytest.mark.parametrize("words", [[], ["--incumbent", "huge"]])
def test_a_wrong_or_missing_incumbent_is_told_before_anything_is_written(
    tmp_path: Path, words: list[str]
) -> None:
    (tmp_path / "policy.yaml").write_text(POLICY, encoding="utf-8")
    source = table(tmp_path, "big", "mini")
    before = files_of(tmp_path)
    assert brought(tmp_path, source, *words) == 2
    there = ["import", "outcomes", str(source), "-f", "../x", "--incumbent", "big"]
    assert run([*there, "-w", str(tmp_path)]) == 2
    assert files_of(tmp_path) == before


def walked(root: Path) -> Path:
    """Results of three providers under two prompts, of tests whose first variable never varies."""
    labels = ("prompts/short.txt: Sort {{ticket}}", "Be brief.\n" + "Sort this: {{ticket}} " * 9)
    providers = (
        {"id": "openai:gpt-4.1", "label": ""},
        {"id": "openai:chat:gpt-4.1-mini", "label": "mini"},
        "anthropic:messages:claude-haiku-4-5-20251001",
    )
    rows = [
        result(test, "")
        | {
            "provider": provider,
            "vars": {"company": "Acme", "ticket": f"Ticket {test}", "language": "English"},
            "prompt": {"label": label, "raw": f"For Acme in English: Ticket {test}"},
        }
        for test in range(4)
        for label in labels
        for provider in providers
    ]
    path = root / "results.json"
    path.write_bytes(results(rows))
    return path


def test_promptfoo_s_models_are_named_by_their_ids_and_prompts(tmp_path: Path) -> None:
    (tmp_path / "policy.yaml").write_text(POLICY, encoding="utf-8")
    source = walked(tmp_path)
    assert brought(tmp_path, source, "--incumbent", "openai:gpt-4.1 / short") == 2
    models = yaml.safe_load((tmp_path / "models/routing.yaml").read_text("utf-8"))
    told = {name: (each["provider"], each["version"]) for name, each in models.items()}
    assert told == {
        f"{id_}-{prompt}": (vendor, id_)
        for vendor, id_ in (
            ("openai", "gpt-4.1"),
            ("openai", "gpt-4.1-mini"),
            ("anthropic", "claude-haiku-4-5-20251001"),
        )
        for prompt in ("short", "prompt-2")
    }
    feature = yaml.safe_load((tmp_path / "features/routing.yaml").read_text("utf-8"))
    assert feature["incumbent"] == "gpt-4.1-short"
    cases = (tmp_path / "evalsets/routing/cases.jsonl").read_text("utf-8").splitlines()
    assert [json.loads(line)["input"] for line in cases] == [f"Ticket {n}" for n in range(4)]


def test_an_incumbent_is_known_by_any_word_that_means_one_model(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "policy.yaml").write_text(POLICY, encoding="utf-8")
    source = walked(tmp_path)
    assert brought(tmp_path, source, "--incumbent", "openai:gpt-4.1") == 2
    assert (
        "may be any of openai:gpt-4.1 / short, openai:gpt-4.1 / prompt" in capsys.readouterr().err
    )
    labelled = {"provider": {"id": "openai:chat:x-1", "label": "mini"}}
    rows = [result(n, "x") | labelled for n in range(2)]
    source.write_bytes(results(rows))
    for word in ("mini", "openai:chat:x-1", "x-1"):
        assert brought(tmp_path, source, "--incumbent", word) == 2
        assert "incumbent: x-1" in (tmp_path / "features/routing.yaml").read_text("utf-8")
        (tmp_path / "features/routing.yaml").unlink()


def test_results_and_a_configuration_agree_on_the_input(tmp_path: Path) -> None:
    (tmp_path / "policy.yaml").write_text(POLICY, encoding="utf-8")
    config = tmp_path / "promptfooconfig.yaml"
    tests = "".join(f"  - vars: {{ticket: Ticket {n}}}\n" for n in range(4))
    config.write_text(
        "prompts: ['For {{company}} in {{language}}: {{ticket}}']\nproviders: [openai:gpt-4.1]\n"
        "defaultTest: {vars: {company: Acme, language: English}, "
        f"assert: [{{type: equals, value: x}}]}}\ntests:\n{tests}",
        encoding="utf-8",
    )
    words = ["-f", "routing", "-w", str(tmp_path)]
    assert run(["import", "promptfoo", str(config), *words]) == 0
    cases = tmp_path / "evalsets/routing/cases.jsonl"
    of_config = [json.loads(line) for line in cases.read_text("utf-8").splitlines()]
    cases.unlink()
    (cases.parent / "evalset.yaml").unlink()
    brought(tmp_path, walked(tmp_path), "--incumbent", "openai:gpt-4.1 / short")
    of_results = [json.loads(line) for line in cases.read_text("utf-8").splitlines()]
    assert [case["input"] for case in of_config] == [f"Ticket {n}" for n in range(4)]
    same = ("id", "input", "metadata")
    assert [[case[key] for key in same] for case in of_results] == [
        [case[key] for key in same] for case in of_config
    ]


def test_an_import_says_what_it_found_and_what_cases_lack(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    root = workspace(tmp_path, "candidates: [mini]\n", MODELS + "mini: {provider: openai}\n")
    source = root / "t.csv"
    source.write_bytes("case,model,answer,seconds\n1,big,sí,0.5\n1,mini,no,\n".encode("cp1252"))
    assert brought(root, source) == 0
    shown = capsys.readouterr().out
    assert "t.csv: not UTF-8: read as Windows-1252" in shown
    assert "1 case without an input: the answers at hand can be compared, and no model" in shown
    assert "graded by nobody yet; tokens are told of none, seconds of 1\n" in shown
    assert "not converted or not read" not in shown
    assert brought(root, source) == 0
    assert "2 there already\ngraded by nobody yet\n" in capsys.readouterr().out


def test_a_second_import_that_writes_nothing_says_so_alone(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "policy.yaml").write_text(POLICY, encoding="utf-8")
    source = tmp_path / "t.csv"
    source.write_text("question,right,note\na,b,c\nd,e,f\n", encoding="utf-8")
    words = ["import", "csv", str(source), "-f", "routing", "-w", str(tmp_path)]
    assert run([*words, "--target", "right"]) == 0
    before = files_of(tmp_path)
    capsys.readouterr()
    assert run([*words, "--target", "note"]) == 0
    shown = capsys.readouterr().out
    assert "nothing was changed: evalsets/routing is there already" in shown
    assert "with a target" not in shown
    assert files_of(tmp_path) == before
