"""A repository `shop`: a workspace, an accepted and locked downgrade, a service that reads it."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from evalsets.splits import order_seed
from harness.conduct.concluding.signing import in_force
from harness.money.monthly import cost_from_traffic, to_option_cost
from harness.money.prices.rates import find_rates
from harness.record.base import State
from harness.record.lifecycle import ends_on
from harness.record.lock import LOCK_FILE, entry_of, lock_of, write_lock
from harness.record.model import DecisionRecord
from harness.record.parts import HistoryEntry
from harness.record.stored import write_records
from harness.workspace.endpoints import params_sha256
from harness.workspace.fingerprints import inputs_sha256, labels_sha256
from harness.workspace.prompts import prompt_for
from harness.workspace.workspace import load_workspace
from tests.support.record_parts import (
    a_feature,
    a_margin,
    a_spend,
    a_target,
    a_traffic,
    an_eval_set,
    an_evidence,
    an_option,
)
from tests.support.records import downgrade_record
from tests.support.reviews import CYCLE, Shape, write_review_workspace

SINCE = date(2026, 11, 1)
"""A day on which the workspace's first prices held; records are made at them."""
SETTINGS = "app/settings.toml"
EXTRA = "used_in: shop:app/settings.toml#llm.model"
W = "rightsizing"
FEATURE = f"{W}/features/tickets.yaml"
PROMPT = f"{W}/prompts/tickets/default.j2"
POLICY = f"{W}/policy.yaml"
MODELS = f"{W}/models/all.yaml"
CASES = f"{W}/evalsets/tickets/cases.jsonl"
RECORD = f"{W}/reviews/{CYCLE}/records/tickets.json"
LOCK = f"{W}/{LOCK_FILE}"

Step = Callable[[Path], object]


def git(root: Path, *arguments: str) -> str:
    facts = ["-c", "user.email=ada@example.com", "-c", "user.name=Ada", "-c", "gc.auto=0"]
    command = ["git", "-C", str(root), *facts, *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


def commit(root: Path, message: str) -> str:
    git(root, "add", "-A")
    git(root, "commit", "-q", "--allow-empty", "-m", message)
    return git(root, "rev-parse", "HEAD")


def put(root: Path, path: str, text: str) -> None:
    file = root / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, encoding="utf-8")


def write(path: str, text: str) -> Step:
    return lambda root: put(root, path, text)


def remove(path: str) -> Step:
    return lambda root: (root / path).unlink()


def edit(path: str, old: str, new: str) -> Step:
    def apply(root: Path) -> None:
        text = (root / path).read_text(encoding="utf-8")
        assert old in text
        put(root, path, text.replace(old, new))

    return apply


def both(*steps: Step) -> Step:
    def apply(root: Path) -> None:
        for step in steps:
            step(root)

    return apply


def decided(root: Path, option: str = "good", **over: Any) -> DecisionRecord:
    """An accepted downgrade from `big`, made an hour ago, that fits the workspace as it is.

    `option_` in front of a name is a fact of the option, `evidence_` one of the evidence.
    """
    workspace = load_workspace(root)
    feature = workspace.features["tickets"]
    inputs = inputs_sha256(workspace.evalsets["tickets"])
    own = {name: over.pop(name) for name in list(over) if name.startswith("option_")}
    facts = {name: over.pop(name) for name in list(over) if name.startswith("evidence_")}

    def target(name: str) -> Any:
        return a_target(
            name,
            provider="openai-compatible",
            version=name,
            params_sha256=params_sha256(name, workspace.models[name], feature, effort=None),
            prompt_sha256=prompt_for(workspace, "tickets", name).sha256,
        )

    def cost(name: str) -> Any:
        rates = find_rates(name, workspace.models[name], workspace.policy, on=SINCE)
        assert feature.traffic is not None
        return to_option_cost(cost_from_traffic(feature.traffic, rates))

    chosen = {
        "target": target(option),
        "cost": cost(option),
        **{name.removeprefix("option_"): value for name, value in own.items()},
    }
    evidence = {
        "eval_set": an_eval_set(
            id="tickets",
            inputs_sha256=inputs,
            labels_sha256=labels_sha256(workspace.evalsets["tickets"]),
            times_used=1,
        ),
        "policy_sha256": workspace.policy_sha256,
        "seed": order_seed("tickets", inputs_sha256=inputs, cycle=CYCLE),
        "spend": a_spend(total_usd=Decimal(1)),
        **{name.removeprefix("evidence_"): value for name, value in facts.items()},
    }
    now = datetime.now(UTC)
    over = {"history": _history(over.get("state", State.ACCEPTED), now), **over}
    return downgrade_record(
        **{
            "decision_id": f"{CYCLE}-tickets",
            "state": State.ACCEPTED,
            "generated_at": now - timedelta(hours=1),
            "expires_at": now.date() + timedelta(days=90),
            "feature": a_feature(id="tickets", used_in="shop:app/settings.toml#llm.model"),
            "margin": a_margin(value=5.0),
            "traffic": a_traffic(requests_per_month=1_000_000),
            "current": target("big"),
            "current_cost": cost("big"),
            "bridge": (),
            "levers": (),
            "savings": None,
            "chosen": option,
            "options": (an_option(option, **chosen),),
            "evidence": an_evidence(**evidence),
            **over,
        }
    )


def _history(state: State, now: datetime) -> tuple[HistoryEntry, ...]:
    """What a record that somebody decided tells of it."""
    if state is State.PROPOSED:
        return ()
    entry = HistoryEntry(
        state=state,
        by="dana.ruiz@example.com",
        by_source="git identity",
        at=now - timedelta(minutes=20),
        reason="",
        link=None,
    )
    return (entry,)


def newer(option: str = "bad", **over: Any) -> Step:
    """A record of another review, half an hour ago, on the workspace as it then is."""

    def apply(root: Path) -> None:
        facts = {
            "decision_id": f"{CYCLE}-again-tickets",
            "state": State.PROPOSED,
            "generated_at": datetime.now(UTC) - timedelta(minutes=30),
            **over,
        }
        record = decided(root / W, option, **facts)
        write_records([record], root / W / "reviews" / f"{CYCLE}-again")

    return apply


def locked(**over: Any) -> Step:
    """The decision again with other facts, and the lock that follows from it."""

    def apply(root: Path) -> None:
        (root / RECORD).unlink(missing_ok=True)
        write_records([decided(root / W, **over)], root / W / "reviews" / CYCLE)
        relock(root)

    return apply


def relock(root: Path) -> None:
    """What `rightsize lock` writes."""
    gate = load_workspace(root / W).policy.gate.model_dump(mode="json")
    found = in_force(root / W / "reviews").values()
    entries = [entry_of(record, ends_on=ends_on(record)) for record in found]
    put(root, LOCK, write_lock(lock_of(entries, gate)))


def write_shop(root: Path, port: int = 9, cases: int = 120) -> str:
    """Write the repository; returns its one commit. The models answer at `port`."""
    workspace = write_review_workspace(root / W, port, Shape(cases=cases, extra=EXTRA))
    put(root, SETTINGS, '[llm]\nmodel = "big"\n')
    write_records([decided(workspace)], workspace / "reviews" / CYCLE)
    relock(root)
    git(root, "init", "-q", "-b", "main")
    return commit(root, "one")
