"""The deciding cases of a feature in seeded order, and lines about copies and near-copies."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from evalsets.cases import Distinct, EvalSet
from evalsets.duplicates import NearCopies, near_copies
from evalsets.prompts import check_template, metadata_named
from evalsets.splits import deciding_order, order_seed, tune_cases
from harness.plan.model import SelectedCases
from harness.wording import plural
from harness.workspace.fingerprints import inputs_sha256, labels_sha256


def draw(
    evalset: EvalSet, folder: Path, *, cycle: str, at_most: int | None = None
) -> SelectedCases:
    """The feature's sample; `at_most` keeps the first cases only (`--quick`)."""
    inputs = inputs_sha256(evalset)
    deciding = deciding_order(evalset, inputs_sha256=inputs, cycle=cycle)[:at_most]
    return SelectedCases(
        seed=order_seed(evalset.feature, inputs_sha256=inputs, cycle=cycle),
        deciding=deciding,
        clusters=tuple(evalset.cluster(case) for case in deciding),
        tune=len(tune_cases(evalset)),
        folder=folder,
        inputs_sha256=inputs,
        labels_sha256=labels_sha256(evalset),
    )


def near_copies_of(evalset: EvalSet, prompts: Path) -> NearCopies | None:
    """Near-copies by input and by the metadata that the folder's prompts show; None: hardly any."""
    texts = [
        path.read_text(encoding="utf-8-sig", errors="replace")
        for path in sorted(prompts.glob("*.j2"))
    ]
    return near_copies(evalset.cases, keys=metadata_shown(texts))


def metadata_shown(prompts: Iterable[str]) -> frozenset[str] | None:
    """The metadata keys that the prompts show; None if one may show any."""
    found = [metadata_named(text) for text in prompts if check_template(text) is None]
    named = [keys for keys in found if keys is not None]
    return None if len(named) < len(found) else frozenset[str]().union(*named)


def copies_line(found: EvalSet | Distinct) -> str | None:
    """`200 rows, 1 case: ...`, for repeated rows of the case file; None without any."""
    if not found.copies:
        return None
    copy, case = found.copies[0]
    rows = len(found.cases) + len(found.copies)
    return (
        f"{plural(rows, 'row')}, {plural(len(found.cases), 'case')}: rows with equal "
        f"input and metadata are one case, which is asked and counted once (first: {copy!r} is "
        f"{case!r} again)"
    )


def near_copies_line(found: NearCopies | None) -> str | None:
    """`180 cases, worth about 37 independent ones: ...`; None if hardly any are alike."""
    if found is None:
        return None
    worth = plural(max(round(found.worth), 1), "independent one")
    return f"{plural(found.n, 'case')}, worth about {worth}: many say nearly the same"
