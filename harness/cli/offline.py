"""The models that answer the quality pass without their servers, one after the other."""

from __future__ import annotations

import os
import secrets
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from harness.cli.loads import logs_of, offline_of
from harness.replay.offline_desk import OfflineDesk
from harness.review.offline import answer_offline, is_answered, needs_server

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from harness.cli.hosting import Hosts
    from harness.review.engine import Engine
    from harness.review.loading import LoadBook
    from harness.serving.offline import Share


def go_offline(hosts: Hosts, engine: Engine, book: LoadBook) -> tuple[str, ...]:
    """Let them answer what the journal lacks; returns those whose server nothing will ask."""
    plan, found = hosts.plan, offline_of(hosts.workspace, hosts.plan)
    for model in found:
        if not is_answered(plan, model, engine.journal):
            with hosts.bench(model) as bench, book.benched(model, bench.size) as loading:
                engine.progress.note(f"offline: {model} in {bench.size} at once")
                desk = OfflineDesk(
                    bench=bench,
                    pause=engine.pause,
                    utc_now=lambda: datetime.now(UTC).isoformat(),
                    new_id=lambda: secrets.token_hex(6),
                    tell=engine.progress.note,
                    collected=keeping(model, hosts),
                    loading=loading,
                )
                answer_offline(plan, model, desk, engine)
    return tuple(model for model in found if not needs_server(plan, model, engine.journal))


def keeping(model: str, hosts: Hosts) -> Callable[[Sequence[Share]], None]:
    """Charge the time that the processes loaded, and keep their logs."""
    logs = logs_of(hosts.workspace.root)

    def keep(shares: Sequence[Share]) -> None:
        times_s = [share.load_s for share in shares if share.load_s is not None]
        # Of one that nobody knows, the whole time of all stays charged.
        if len(times_s) == len(shares):
            hosts.loaded({model: sum(times_s)})
        logs.mkdir(parents=True, exist_ok=True, mode=0o700)
        for number, share in enumerate(shares, 1):
            _write(logs / f"{model}.offline.{number}.log", share.log)

    return keep


def _write(path: Path, text: str) -> None:
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as out:
        out.write(text)
