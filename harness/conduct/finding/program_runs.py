"""What the runs of a program took: tokens of the option's own calls, and USD of all of them.

A run's tokens are those of its calls to the option's model together, and are projected to
production as a request's would be. Its price per request is what a run cost beyond those tokens at
the flat price: the calls to the program's other models, fees per call, and long-context prices,
which every call paid by its own length. A run on the cases costs to the digit what its calls did.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal

from harness.conduct.finding.feature_run import FeatureRun
from harness.conduct.finding.scores import Scored
from harness.journal.trials import PROGRAM, UNUSED, Attempt
from harness.money.amounts import plain, rounded
from harness.money.prices.attempts import attempt_cost
from harness.money.prices.rate_tables import Rates
from harness.money.workload import USD_PLACES
from harness.plan.ladder import PlannedOption
from harness.record.trust import ProgramFacts
from providers.completion import TokenUsage

_COUNTS = TokenUsage.__slots__


def run_usages(scored: Iterable[Scored]) -> list[TokenUsage | None]:
    """The tokens of each run's own calls together; None where one told none, or it is missing."""
    return [_usage_of(read) for read in scored]


def run_rates(run: FeatureRun, rung: PlannedOption) -> Rates | None:
    """An option's price list with what its runs cost beyond it; None while that is unknown."""
    flat = replace(rung.priced(), tiers=(), per_request=Decimal(0), minimum_per_request=Decimal(0))
    runs = [read for read in run.read(rung.first.name) if read.kind != "missing"]
    discounts = {role: other.priced().discount for role, other in run.plan.others}
    beyond = [_beyond(read, flat, discounts) for read in runs]
    known = [usd for usd in beyond if usd is not None]
    if not known or len(known) < len(beyond):
        return None
    return replace(flat, per_request=rounded(sum(known, Decimal(0)) / len(known), USD_PLACES))


def program_facts(run: FeatureRun) -> tuple[ProgramFacts, ...] | None:
    """What a run of each option took, today's model first; None of a feature that is no program."""
    if run.plan.config.program is None:
        return None
    found = (_facts(option, run.read(option)) for option in (run.incumbent.name, *run.rungs))
    return tuple(facts for facts in found if facts is not None)


def _facts(option: str, read: Sequence[Scored]) -> ProgramFacts | None:
    runs = [one for one in read if one.kind != "missing"]
    calls = [[a for a in one.attempts if _is_call(a)] for one in runs]
    if not runs:
        return None
    every = [attempt for of_run in calls for attempt in of_run]
    known = [attempt.cost_usd for attempt in every if attempt.cost_usd is not None]
    usages = [attempt.usage for attempt in every if attempt.usage is not None]
    counted = len(usages) == len(every)
    unused = [a for one in runs for a in one.attempts if a.role == UNUSED]
    scores = [one.scores[0] for one in runs]
    shown = [score for score in scores if score is not None]
    return ProgramFacts(
        option=option,
        runs=len(runs),
        calls=len(every),
        most_calls=max(map(len, calls)),
        beside=sum(attempt.role is not None for attempt in every),
        input_tokens=sum(usage.input_tokens for usage in usages) if counted else None,
        output_tokens=sum(usage.output_tokens for usage in usages) if counted else None,
        usd=plain(sum(known, Decimal(0))) if len(known) == len(every) else None,
        successes=round(sum(shown), 6) if len(shown) == len(scores) else None,
        unused_calls=len(unused) or None,
        unused_usd=plain(sum((a.cost_usd or Decimal(0) for a in unused), Decimal(0)))
        if unused
        else None,
    )


def _is_call(attempt: Attempt) -> bool:
    """Whether an attempt is a call of the run that brought a reply, and not the run itself."""
    return attempt.role not in {PROGRAM, UNUSED} and attempt.error is None


def _usage_of(read: Scored) -> TokenUsage | None:
    own = [attempt for attempt in read.attempts if attempt.role is None and attempt.error is None]
    known = [attempt.usage for attempt in own if attempt.usage is not None]
    if read.kind == "missing" or len(known) < len(own):
        return None
    return TokenUsage(**{name: sum(getattr(usage, name) for usage in known) for name in _COUNTS})


def _beyond(read: Scored, flat: Rates, discounts: Mapping[str, Decimal]) -> Decimal | None:
    """USD of a run beyond its own tokens at the flat price, as a list price of the option's."""
    usage = _usage_of(read)
    if usage is None or flat.discount == 1:
        return None
    total = -attempt_cost(usage, flat)
    for attempt in filter(_is_call, read.attempts):
        if attempt.cost_usd is None:
            return None
        # The option's discount is taken off all of it; another model's own is what counts.
        own = attempt.role is None
        share = 1 if own else (1 - discounts[attempt.role or ""]) / (1 - flat.discount)
        total += attempt.cost_usd * share
    return total
