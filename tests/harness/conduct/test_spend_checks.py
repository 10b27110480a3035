"""`check` tells limits on spend that guard nothing, and waivers that are over."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import get_args

import pytest

from evalsets.source import SourceError, read_yaml
from evalsets.validation import validated
from harness.conduct.checking import check_workspace, priced_on
from harness.gate.outputs import as_text
from harness.gate.spend import SpendCell, SpendInput, judge_spend
from harness.money.measured import Window
from harness.money.owned.paid import PaidEndpoint, PaidHour
from harness.workspace.policy_file import LimitName, SpendPolicy
from tests.support.workspaces import edit, write_workspace

TODAY = date(2026, 11, 24)
OWNED = "spend: {owner: finops@example.com, "


def warnings(root: Path, spend: str) -> list[str]:
    edit(root / "policy.yaml", "minimum_saving_usd: 50", f"minimum_saving_usd: 50\n{spend}")
    report = check_workspace(root, has_price=priced_on(TODAY), on=TODAY)
    assert not report.errors
    return [str(one).removeprefix("policy.yaml:5: spend.") for one in report.warnings]


@pytest.mark.parametrize(
    ("spend", "told"),
    [
        ("spend: {}", []),
        (OWNED + "budget_usd: 10, teams: {support: {budget_usd: 9}}}", []),
        ("spend: {budget_usd: 10}", ["owner: nobody answers for these limits: state an e-mail"]),
        ("spend: {budget_usd: 10, owners: {'*': a@b.example}, teams: {support: {idle_hours: 9}}}",
         ["owner: nobody answers for these limits: state an e-mail"]),
        (OWNED + "untagged_share: 1}", ["untagged_share: can never fire: no share is above 1"]),
        (OWNED + "teams: {suport: {budget_usd: 10}}}",
         [("teams.suport: no feature, attribution or log names the team 'suport'; did you mean "
           "`support`?")]),
        (OWNED + "environments: {dev: {budget_usd: 10}}}",
         [("environments.dev: no feature, attribution or log names the environment 'dev'; known: "
           "production")]),
        (OWNED + "budget_usd: 10, teams: {support: {budget_usd: 10}}}",
         ["teams.support.budget_usd: 10 can never fire before the 10 of (all spend)"]),
        (OWNED + "idle_hours: 4, environments: {production: {idle_hours: 24}}}",
         ["environments.production.idle_hours: 24 can never fire before the 4 of (all spend)"]),
        (OWNED + "teams: {support: {gpu_quota: 4, environments: {production: {gpu_quota: 8}}}}}",
         [("teams.support.environments.production.gpu_quota: 8 can never fire before the 4 of "
           "support")]),
        (OWNED + "teams: {support: {retry_rate: 0.05}}, retry_rate: 0.02}", []),
        (OWNED + "budget_usd: 9, waive: {budget_usd: {until: 2026-11-24, by: a, reason: b}}}", []),
        (OWNED + "budget_usd: 9, waive: {budget_usd: {until: 2026-11-23, by: a, reason: b}}}",
         ["waive.budget_usd: the waiver ended on 2026-11-23; the limit is in force: take it out"]),
    ],
)  # fmt: skip
def test_what_guards_nothing_is_told(tmp_path: Path, spend: str, told: list[str]) -> None:
    assert warnings(write_workspace(tmp_path), spend) == told


def test_a_team_that_only_attribution_names_is_known(tmp_path: Path) -> None:
    root = write_workspace(tmp_path)
    (root / "attribution.yaml").write_text('- {when: {key_alias: "ml-*"}, team: ml}\n')
    assert warnings(root, OWNED + "teams: {ml: {budget_usd: 5}}}") == []


def test_a_fault_of_attribution_is_told(tmp_path: Path) -> None:
    root = write_workspace(tmp_path)
    (root / "attribution.yaml").write_text("- {when: {}, team: ml}\n")
    edit(root / "policy.yaml", "minimum_saving_usd: 50", OWNED + "teams: {ml: {budget_usd: 5}}}")
    report = check_workspace(root, has_price=priced_on(TODAY), on=TODAY)
    assert [one.file for one in report.errors] == ["attribution.yaml"]


EXTREMES = ("-1e30", "-1", "0", "1e-300", "0.000001", "99999999", "1e12", "1e300", "1e999", ".nan")


@pytest.mark.parametrize("name", get_args(LimitName))
def test_a_limit_at_its_extremes_is_refused_in_one_line_or_judged(name: LimitName) -> None:
    judged, refused = 0, list[str]()
    for raw in (*EXTREMES, "1" + "0" * 400, "true", "[]"):
        source = read_yaml(f"{name}: {raw}", file="policy.yaml")
        try:
            policy = validated(source, SpendPolicy)
        except SourceError as error:
            refused += [fault.key for fault in error.faults] + str(error).splitlines()[1:]
            continue
        start = datetime(2026, 11, 23, tzinfo=UTC)
        cell = SpendCell(calls=2, requests=2, retries=1, usd=Decimal(7))
        given = SpendInput(
            window=Window(start=start, end=start + timedelta(hours=1)),
            today=TODAY,
            cells=(cell,),
            here=policy,
            endpoints=(PaidEndpoint(name="a", hours=(PaidHour(at=start, requests=1),)),),
        )
        judged += len(as_text(judge_spend(given)).splitlines()) > 0
    assert judged
    assert set(refused) == {name}
