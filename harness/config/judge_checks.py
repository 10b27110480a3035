"""What an eval set says of its judges against the models: known, priced like others, permitted."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, cast

from evalsets.loading import CONFIG_FILE
from evalsets.source import read_text, read_yaml
from evalsets.validation import suggestion
from harness.config.feature_checks import evalset_folder
from harness.config.options import split_option
from harness.config.reading import problem_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from evalsets.cases import Case, EvalSet
    from evalsets.source import KeyPath
    from harness.config.reading import Reading
    from harness.errors import Problem

JUDGE = "judge"
"""The scorer's name in an `evalset.yaml`."""


def judge_problems(reading: Reading, evalsets: Mapping[str, EvalSet]) -> Iterator[Problem]:
    """Every judge that cannot be asked, and every case that tells a judge nothing."""
    for name, evalset in evalsets.items():
        for key, options in _judges(evalset):
            for message in _messages(reading, name, options):
                yield _at(reading, name, (*key, "model"), message)
            lacking = _without_wanted(evalset.cases, options) if key == ("primary",) else []
            if lacking:
                message = (
                    f"{len(lacking)} cases have no metadata {options['requirement']!r} "
                    f"(first: {lacking[0]!r}), and no `rubric` says what is wanted of them"
                )
                yield _at(reading, name, (*key, "requirement"), message)


def _judges(evalset: EvalSet) -> Iterator[tuple[KeyPath, dict[str, Any]]]:
    keyed: list[tuple[KeyPath, Any]] = [(("primary",), evalset.primary)]
    keyed += [(("guardrails", at), each.scorer) for at, each in enumerate(evalset.guardrails)]
    for key, spec in keyed:
        if spec.scorer == JUDGE:
            yield key, cast("dict[str, Any]", json.loads(spec.options))


def _messages(reading: Reading, feature: str, options: Mapping[str, Any]) -> Iterator[str]:
    model, _ = split_option(str(options.get("model", "")))
    entry = reading.models.get(model)
    if entry is None:
        if model not in reading.model_names and reading.all_models_named:
            yield f"unknown judge {model!r}{suggestion(model, reading.model_names)}"
        return
    data = reading.features[feature].config.data
    if data not in entry.config.may_see:
        allowed = ", ".join(entry.config.may_see) or "nothing"
        yield (
            f"the judge {model} may not see {data} data (may_see: {allowed}); name another judge, "
            "or correct `may_see` of the model"
        )


def _without_wanted(cases: tuple[Case, ...], options: Mapping[str, Any]) -> list[str]:
    key = options.get("requirement")
    if not isinstance(key, str) or options.get("rubric"):
        return []
    return [case.id for case in cases if not case.meta(key)]


def _at(reading: Reading, feature: str, key: KeyPath, message: str) -> Problem:
    folder = evalset_folder(reading.root, feature, reading.features[feature].config)
    shown = f"evalsets/{folder.name}/{CONFIG_FILE}"
    source = read_yaml(read_text(folder / CONFIG_FILE, shown=shown), file=shown)
    return problem_of(source.fault(key, message))
