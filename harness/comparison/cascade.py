"""A cascade, for free from stored answers: the cheap model first, the incumbent when it must.

An answer of the cheap model is kept when a checkable validator accepts it (format, schema, not
"unsure"); else the incumbent's stored answer of the same case and repeat stands. So a cascade is
one more arm over the same cases, tested like any candidate.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.comparison.arms import Arm

if TYPE_CHECKING:
    from collections.abc import Mapping


def cascade_arm(
    name: str, cheap: Arm, incumbent: Arm, accepted: Mapping[str, tuple[bool, ...]]
) -> Arm:
    """The arm of a cascade over the cases that both arms were asked.

    `accepted` says of each case, repeat by repeat, whether the cheap answer passes the validator;
    one that the cheap model failed (Failed) is not accepted. A missing one stays missing: what the
    world lost is not escalated. Of imported answers one model may have more repeats than the other:
    as many count as both have.
    """
    kept = {
        case: _kept(cheap, case, accepted[case])
        for case in cheap.scores
        if case in incumbent.scores and case in accepted
    }
    return Arm(
        option=name,
        scores={case: _scores(cheap, incumbent, case, keeps) for case, keeps in kept.items()},
        failed=_named(cheap.failed, incumbent.failed, kept),
        unlabelled=_named(cheap.unlabelled, incumbent.unlabelled, kept),
        answers={
            case: answer
            for case, keeps in kept.items()
            if (answer := _answer(cheap, incumbent, case, keeps)) is not None
        },
    )


def _kept(cheap: Arm, case: str, accepted: tuple[bool, ...]) -> tuple[bool, ...]:
    labelled = case not in cheap.unlabelled
    return tuple(
        accepts or (score is None and labelled)
        for accepts, score in zip(accepted, cheap.scores[case], strict=True)
    )


def _scores(
    cheap: Arm, incumbent: Arm, case: str, keeps: tuple[bool, ...]
) -> tuple[float | None, ...]:
    return tuple(
        ours if kept else theirs
        for kept, ours, theirs in zip(
            keeps, cheap.scores[case], incumbent.scores[case], strict=False
        )
    )


def _named(
    cheap: frozenset[str], incumbent: frozenset[str], kept: Mapping[str, tuple[bool, ...]]
) -> frozenset[str]:
    """Cases that the arm whose answer stands names."""
    return frozenset(
        case
        for case, keeps in kept.items()
        if (case in cheap and any(keeps)) or (case in incumbent and not all(keeps))
    )


def _answer(cheap: Arm, incumbent: Arm, case: str, keeps: tuple[bool, ...]) -> str | None:
    """The one normal form of all repeats; None when there is none."""
    sources = [arm for arm, stands in ((cheap, any(keeps)), (incumbent, not all(keeps))) if stands]
    answers = {arm.answers.get(case) for arm in sources}
    return answers.pop() if len(answers) == 1 else None
