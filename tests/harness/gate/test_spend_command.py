"""`rightsize gate --traffic` on real logs, in a real repository: nothing of a change loosens it."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from harness.cli.main import run
from harness.errors import ExitCode
from tests.support.call_logs import a_week, jsonl, litellm
from tests.support.shops import commit, git
from tests.support.workspaces import edit, write_workspace

# 200 calls of USD 0.25 in 176 hours, 160 of triage and 40 of summary: USD 207.53 a month.
SPEND = "spend: {owner: finops@example.com, "
POLICY = "rightsizing/policy.yaml"


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    root = tmp_path / "shop"
    write_workspace(root / "rightsizing")
    (root / "rightsizing/attribution.yaml").write_text(
        '- {when: {key_alias: "svc-triage"}, team: support}\n'
    )
    calls = [replace(one, cost="0.25") for one in a_week()]
    calls = [replace(one, feature="") if n % 10 == 1 else one for n, one in enumerate(calls)]
    jsonl(tmp_path / "log.jsonl", [litellm(one) for one in calls])
    git(tmp_path, "init", "-q", "-b", "main", str(root))
    monkeypatch.chdir(root)
    for name in ("GITHUB_BASE_REF", "CI_MERGE_REQUEST_DIFF_BASE_SHA", "GITHUB_STEP_SUMMARY"):
        monkeypatch.delenv(name, raising=False)
    return root


def limits(root: Path, text: str) -> None:
    edit(root / POLICY, "minimum_saving_usd: 50", f"minimum_saving_usd: 50\n{SPEND}{text}}}")


def gate(root: Path, *more: str) -> int:
    return run(["gate", "--traffic", str(root.parent / "log.jsonl"), *more])


def test_a_log_is_held_against_each_limit(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    limits(
        shop,
        "budget_usd: 207, untagged_share: 0.05, retry_rate: 0, idle_hours: 3, "
        "teams: {support: {untagged_share: 0.1}, suport: {budget_usd: 1}}",
    )
    assert gate(shop) == ExitCode.GATE_FAILED
    said = capsys.readouterr().out
    for told in (
        "fail: (all spend): budget_usd: USD 50.00 in 176 hours is USD 208 a month; the budget is",
        "fail: (all spend): untagged_share: 10.0 % of USD 50.00 belongs to no feature (USD 5.00)",
        "fail: support: untagged_share: 12.5 % of USD 40.00 belongs to no feature",
        "warn: suport: budget_usd: nothing was read of suport",
        "cannot tell: (all spend): idle_hours: no hours of endpoints were read",
        "cannot tell: (all spend): retry_rate: some logs do not tell which calls were asked again",
        "gate: 0 limits on spend hold on 2026-10-05 00:00 to 2026-10-12 08:00 UTC.  fail",
    ):
        assert told in said


def test_limits_that_hold_pass(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    limits(shop, "budget_usd: 208, untagged_share: 0.1, teams: {support: {untagged_share: 0.125}}")
    assert gate(shop) == ExitCode.OK
    assert "gate: 3 limits on spend hold on" in capsys.readouterr().out


def test_a_week_that_was_imported_and_one_that_was_not(
    shop: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    limits(shop, "budget_usd: 1")
    log = str(shop.parent / "log.jsonl")
    assert run(["import", "traffic", log, "-w", "rightsizing"]) == 0
    assert run(["gate", "--traffic", "2026-W41"]) == ExitCode.GATE_FAILED
    assert "hours is USD" in capsys.readouterr().out
    assert run(["gate", "--traffic", "2026-W30"]) == ExitCode.USAGE_ERROR
    assert "no log covers it; the logs that were imported are of 2026-10-05" in (
        capsys.readouterr().err
    )


def test_all_outputs_are_written(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    limits(shop, "budget_usd: 1, retry_rate: 0.5")
    outs = [f"--out={shop.parent / name}" for name in ("g.json", "g.md", "g.xml", "g.txt")]
    assert gate(shop, *outs, "--json") == ExitCode.GATE_FAILED
    printed = json.loads(capsys.readouterr().out)
    assert printed == json.loads((shop.parent / "g.json").read_text())
    assert [(one["rule"], one["outcome"]) for one in printed["checks"]] == [
        ("budget_usd", "fail"),
        ("retry_rate", "cannot tell"),
    ]
    assert "## Spend gate: fail" in (shop.parent / "g.md").read_text()
    assert 'failures="1"' in (shop.parent / "g.xml").read_text()


def test_an_idle_endpoint_fails(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    limits(shop, "idle_hours: 3")
    start = 1_791_158_400_000  # 2026-10-05 00:00 UTC
    lines = [
        f'vllm:{name}{{model_name="own"}} {0 if hour < 1 else 5} {start + hour * 3_600_000}\n'
        for hour in range(7)
        for name in ("prompt_tokens_total", "generation_tokens_total", "request_success_total")
    ]
    metrics = shop.parent / "vllm.txt"
    metrics.write_text("".join(lines))
    assert gate(shop, "--metrics", str(metrics)) == ExitCode.GATE_FAILED
    said = capsys.readouterr().out
    assert "own had no request for 5 hours from 2026-10-05 01:00 (cost not known)" in said
    assert "finops@example.com answers for it" in said


Step = Callable[[Path], object]
ATTACKS: dict[str, tuple[Step, str]] = {
    "no limit any more": (
        lambda root: edit(root / POLICY, f"{SPEND}budget_usd: 1}}", ""),
        "spend.budget_usd: none, was 1",
    ),
    "a waiver": (
        lambda root: edit(
            root / POLICY,
            "budget_usd: 1}",
            "budget_usd: 1, waive: {budget_usd: {until: 2999-01-01, by: me, reason: x}}}",
        ),
        "spend.budget_usd: waived until 2999-01-01",
    ),
}


@pytest.mark.parametrize("name", ATTACKS)
def test_a_change_does_not_loosen_what_it_is_judged_by(
    shop: Path, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    limits(shop, "budget_usd: 1")
    commit(shop, "base")
    git(shop, "checkout", "-q", "-b", "change")
    step, told = ATTACKS[name]
    step(shop)
    commit(shop, "change")
    assert gate(shop, "--base", "main") == ExitCode.GATE_FAILED
    said = capsys.readouterr().out
    assert told in said
    assert "budget_usd: USD 50.00" in said


def test_spend_is_placed_as_the_base_has_it(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    limits(shop, "untagged_share: 0.05, teams: {support: {budget_usd: 1}}")
    commit(shop, "base")
    git(shop, "checkout", "-q", "-b", "change")
    (shop / "rightsizing/attribution.yaml").write_text(
        '- {when: {key_alias: "*"}, team: nobody, feature: hidden}\n'
    )
    commit(shop, "change")
    assert gate(shop) == ExitCode.OK
    assert gate(shop, "--base", "main") == ExitCode.GATE_FAILED
    said = capsys.readouterr().out
    assert "attribution.yaml: changed here" in said
    assert "support: budget_usd: USD 40.00" in said
    assert "10.0 % of USD 50.00 belongs to no feature" in said


@pytest.mark.parametrize(
    ("command", "says"),
    [
        (
            ["--traffic", "nowhere.jsonl"],
            "nowhere.jsonl: no week as 2026-W48, no month, and no file",
        ),
        (["--traffic", "2026-W41", "--traffic", "2026-W42"], "give one week or month, or files"),
        (["--traffic", "2026-W99"], "--traffic 2026-W99: no week such as 2026-W48"),
        (["--traffic", "2026-13"], "--traffic 2026-13: no month such as 2026-11"),
        (["--traffic", ""], "--traffic: names nothing"),
        (["--traffic", POLICY], "`rightsize import traffic` reads it with --format or --mapping"),
        (["--traffic", "x", "--run"], "--traffic: judges spend, and goes with no --run"),
        (
            ["--traffic", "x", "--lock", "a.lock"],
            "--traffic: judges spend, and goes with no --lock",
        ),
        (["--metrics", POLICY], "--metrics: needs --traffic"),
    ],
)
def test_what_does_not_go_together_is_refused(
    shop: Path, capsys: pytest.CaptureFixture[str], command: list[str], says: str
) -> None:
    limits(shop, "budget_usd: 1")
    assert run(["gate", *command]) == ExitCode.USAGE_ERROR
    assert says in capsys.readouterr().err


def test_without_a_limit_nothing_can_be_held(
    shop: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert gate(shop) == ExitCode.USAGE_ERROR
    assert "policy.yaml: spend: states no limit" in capsys.readouterr().err


def test_a_damaged_log_cannot_be_judged(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    limits(shop, "budget_usd: 1")
    with (shop.parent / "log.jsonl").open("a") as file:
        file.write("{broken\n" * 5)
    assert gate(shop) == ExitCode.CANNOT_TELL
    assert "5 of 205 rows cannot be read" in capsys.readouterr().err
