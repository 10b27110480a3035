"""`rightsize gate --run`: evaluate what a change lacks evidence for, before it is judged.

The model that is locked is the incumbent of such a test, the one that the change asks its only
candidate. Each change is a test of its own: its cycle carries a digest of what is asked, so that
running the same change again resumes the same test and draws nothing anew. Every test counts in
the record (`times_used`), wherever it was made, and there are no more of them than looks planned.
"""

from __future__ import annotations

import secrets
from contextlib import ExitStack
from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path

from harness.conduct.checking import checked_workspace
from harness.conduct.listening import Listener, Planned
from harness.conduct.opening import quarter
from harness.conduct.running import RunSettings, reviewed
from harness.errors import BudgetRefusedError, Faults
from harness.gate.findings import Cause, GateReport, Outcome, Violation
from harness.gate.inputs import GateInput, is_locked
from harness.journal.journal import Journal
from harness.plan.model import Plan
from harness.plan.planning import Selection, plan_review
from harness.record.base import Verdict
from harness.record.lock import LockEntry
from harness.record.model import DecisionRecord, seal
from harness.record.stored import read_records, write_records
from harness.tell.pages import publish
from harness.wording import usd
from harness.workspace.endpoints import params_sha256
from harness.workspace.fingerprints import fingerprint, inputs_sha256
from harness.workspace.model_file import split_option
from harness.workspace.policy_file import GateRule
from harness.workspace.prompts import prompt_of_option
from harness.workspace.state import journal_file
from harness.workspace.workspace import Workspace

LACKING = frozenset(
    {
        Cause.EVIDENCE_MISSING,
        Cause.EVIDENCE_STALE,
        Cause.EVIDENCE_EXPLORATORY,
        Cause.NOT_COMPARABLE,
        Cause.PROVISIONAL,
    }
)
"""What a test can mend; a change that was shown worse, or is open after its looks, stays so."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeTest:
    """One change as a test: a feature's incumbent and its candidates."""

    feature: str
    incumbent: str
    candidates: tuple[str, ...] | str


def evaluate(
    given: GateInput, report: GateReport, root: Path, cap: Decimal, listener: Listener
) -> tuple[Violation, ...]:
    """Test every change that lacks evidence, and write the records.

    Args:
        given: what the gate judged.
        report: what it said.
        root: of the workspace.
        cap: USD; more is not spent.
        listener: told the plan of each test, and what happens while it runs.

    Returns:
        What was not tested, because these cases have been tested too often.

    Raises:
        BudgetRefusedError: a test is expected to cost more than is left; it is not begun.
    """
    found = checked_workspace(root, on=given.now.date())
    if found.refused:
        listener.refused(found)
    workspace = found.all_live()
    left, refused = cap, list[Violation]()
    for test in tests_of(given, report, workspace):
        changed = with_test(workspace, test)
        cycle = f"{quarter(given.now.date())}-gate-{_digest(changed, test)}"
        used = times_used(given, changed, test.feature, cycle)
        if given.looks is not None and used >= given.looks:
            refused.append(_too_often(test.feature, used, given.looks))
            continue
        wanted = Selection(features=(test.feature,), max_spend_usd=left)
        plan = plan_review(changed, cycle=cycle, on=given.now.date(), wanted=wanted)
        planned = Planned(workspace=changed, plan=plan, now=given.now, faults=Faults())
        listener.planned(planned)
        _afford(plan, left)
        left -= _run(planned, RunSettings(listener=listener), used)
    return tuple(refused)


def tests_of(given: GateInput, report: GateReport, workspace: Workspace) -> tuple[ChangeTest, ...]:
    """One test per feature whose change lacks evidence and can be tested here."""
    found: dict[str, ChangeTest] = {}
    for one in report.findings:
        entry = given.lock.features.get(one.feature)
        if one.code not in LACKING or entry is None or one.feature not in workspace.features:
            continue
        if one.rule is GateRule.MODEL:
            test = _of_model(given, entry, workspace)
        elif one.rule in {GateRule.PROMPT, GateRule.EVALSET}:
            test = found.get(one.feature) or _of_asking(entry, workspace)
        else:
            continue
        if test is not None:
            found[one.feature] = test
    return tuple(found.values())


def with_test(workspace: Workspace, test: ChangeTest) -> Workspace:
    """The workspace with the test's models in its feature.

    The least saving worth a change is not asked for: the change is proposed already, and the
    question is whether it does harm.
    """
    over = {"incumbent": test.incumbent, "candidates": test.candidates}
    feature = workspace.features[test.feature].model_copy(update=over)
    policy = workspace.policy.model_copy(update={"minimum_saving_usd": Decimal(0)})
    features = {**workspace.features, test.feature: feature}
    return replace(workspace, policy=policy, features=features)


def times_used(given: GateInput, workspace: Workspace, feature: str, cycle: str) -> int:
    """Tests that records tell of on these very cases, those of other cycles."""
    inputs = inputs_sha256(workspace.evalsets[feature])
    return max(
        (
            one.record.evidence.eval_set.times_used
            for one in given.evidence or ()
            if one.record.evidence.eval_set.inputs_sha256 == inputs and one.record.cycle != cycle
        ),
        default=0,
    )


def _of_model(given: GateInput, entry: LockEntry, workspace: Workspace) -> ChangeTest | None:
    """The locked model against the one that is asked, where the workspace knows both."""
    known = [
        one.option
        for one in (entry.accepted, entry.before)
        if split_option(one.option)[0] in workspace.models
    ]
    asked = [
        one.asked.name
        for one in given.proposed
        if one.feature == entry.feature
        and one.asked is not None
        and one.asked.escalation is None
        and not any(
            is_locked(one.asked, model, entry.before) for model in (entry.accepted, entry.before)
        )
        and split_option(one.asked.name)[0] in workspace.models
    ]
    if not known or not asked:
        return None
    return ChangeTest(feature=entry.feature, incumbent=known[0], candidates=(asked[0],))


def _of_asking(entry: LockEntry, workspace: Workspace) -> ChangeTest:
    """The decision again, as the change would ask; one to stay is tested as the next review is."""
    feature = workspace.features[entry.feature]
    names = (entry.before.option, entry.accepted.option)
    here = all(split_option(name)[0] in workspace.models for name in names)
    if entry.verdict is Verdict.DOWNGRADE and here:
        return ChangeTest(feature=entry.feature, incumbent=names[0], candidates=names[1:])
    return ChangeTest(
        feature=entry.feature, incumbent=feature.incumbent, candidates=feature.candidates
    )


def _digest(workspace: Workspace, test: ChangeTest) -> str:
    """Of all that the change asks: the same change is the same test."""
    feature = workspace.features[test.feature]
    candidates = workspace.models if test.candidates == "auto" else test.candidates
    asked = {
        option: _asking(workspace, test.feature, option) for option in (test.incumbent, *candidates)
    }
    facts = {
        "asked": asked,
        "inputs": inputs_sha256(workspace.evalsets[test.feature]),
        "policy": workspace.policy_sha256,
        "margin": feature.margin,
    }
    return fingerprint(facts)[:10]


def _asking(workspace: Workspace, feature_id: str, option: str) -> list[str]:
    name, effort = split_option(option)
    config = workspace.models[name]
    effort = effort or config.effort
    params = params_sha256(name, config, workspace.features[feature_id], effort=effort)
    return [params, prompt_of_option(workspace, feature_id, option).sha256]


def _too_often(feature: str, used: int, looks: int) -> Violation:
    return Violation(
        feature=feature,
        rule=GateRule.MODEL,
        code=Cause.BEYOND_PLAN,
        outcome=Outcome.FAIL,
        message=f"not evaluated: these cases were tested {used} times, planned are {looks} looks",
        advice="add fresh cases to the eval set, or let a review and a signature decide",
    )


def _afford(plan: Plan, left: Decimal) -> None:
    if plan.expected_usd > left:
        raise BudgetRefusedError(
            f"{plan.features[0].feature}: the evaluation is expected to cost "
            f"{usd(plan.expected_usd)}, {usd(left)} are left of --max-spend and of policy.yaml's "
            "gate.evaluation_usd; nothing was spent on it"
        )


def _run(planned: Planned, settings: RunSettings, used: int) -> Decimal:
    """Replay and decide, count the test in its record, write; returns what was spent."""
    root, cycle = planned.workspace.root, planned.plan.cycle
    out = root / "reviews" / cycle
    faults = Faults(contains=False)
    with ExitStack() as last:
        with Journal.open(
            journal_file(root),
            run_id=secrets.token_hex(8),
            cycle=cycle,
            now=planned.now.isoformat(),
        ) as journal:
            records, ledger = reviewed(planned, settings, journal, faults, last)
        write_records([counted(record, used + 1) for record in records], out)
        publish(read_records(out), out, now=planned.now)
    return ledger.spent_usd + ledger.possibly_billed_usd


def counted(record: DecisionRecord, uses: int) -> DecisionRecord:
    """The record with the tests that other records tell of; a fresh journal knows only its own."""
    used = max(uses, record.evidence.eval_set.times_used)
    eval_set = record.evidence.eval_set.model_copy(update={"times_used": used})
    evidence = record.evidence.model_copy(update={"eval_set": eval_set})
    return seal(record.model_copy(update={"evidence": evidence}))
