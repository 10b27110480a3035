"""What is known of an option whose trials are incomplete.

Where disagreements wait for labels there are counts and no bound: a bound over the cases that are
settled would leave out the very cases that can differ. Missing trials are counted by how they
ended.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator

from harness.conduct.finding.feature_run import FeatureRun
from harness.judge.comparison.pairs import Pair, Pairs
from harness.judge.decision.quality import missingness
from harness.record.trust import Missingness
from harness.wording import listed

NOT_GRADED = "NotGraded"
"""The model answered, and its judge gave no grade."""


def missing_facts(run: FeatureRun, option: str) -> Missingness:
    """How many trials of each arm have no score, and why.

    A cascade's own arm is made of stored answers: for it nobody can say which of the two lacked.
    """
    pairs = run.pairs(option)
    cases = [pair.case_id for pair in pairs.pairs]
    why = {"why_current": _why(run, run.incumbent.name, cases)}
    if option not in run.cascades:
        why["why_candidate"] = _why(run, option, cases)
    return missingness(pairs).with_reasons(**why)


def _why(run: FeatureRun, option: str, cases: Iterable[str]) -> tuple[tuple[str, int], ...]:
    counts: Counter[str] = Counter()
    for case in cases:
        read = run.board.scored(option, [case])
        # A case that waits for a label lacks no answer.
        if not any(scored.unlabelled for scored in read):
            counts.update(s.reason or NOT_GRADED for s in read if s.scores[0] is None)
    return tuple(sorted(counts.items(), key=lambda item: (-item[1], item[0])))


def to_label(pairs: Pairs, unit: str) -> str:
    """`of 300 tickets both answered 298 alike; 2 differ and have no label yet; ...`."""
    asked = [pair for pair in pairs.pairs if not pair.missing]
    waiting = sum(pair.unlabelled for pair in asked)
    alike = sum(pair.difference == 0 for pair in asked)
    worse = sum(pair.difference is not None and pair.difference < 0 for pair in asked)
    verb = "differs and has no label yet" if waiting == 1 else "differ and have no label yet"
    told = listed([f"{waiting:,} {verb}", *_labelled(asked)])
    return (
        f"of {len(asked):,} {unit} both models answered {alike:,} alike; {told}; whatever the "
        f"labels say, at most {worse + waiting:,} more of these {len(asked):,} go wrong"
    )


def _labelled(asked: list[Pair]) -> Iterator[str]:
    """What the labels that are there say."""
    known = [pair.difference for pair in asked if pair.difference]
    worse, better = sum(d < 0 for d in known), sum(d > 0 for d in known)
    if worse:
        yield f"{worse:,} {'was' if worse == 1 else 'were'} worse"
    if better:
        yield f"{better:,} {'was' if better == 1 else 'were'} better"
