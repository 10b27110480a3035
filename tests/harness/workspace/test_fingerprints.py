"""Fingerprints change with what they stand for, and with nothing else."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalsets.cases import Case, EvalSet, GuardrailSpec, ScorerSpec, SliceSpec
from harness.workspace.fingerprints import (
    fingerprint,
    inputs_sha256,
    labels_sha256,
    policy_sha256,
    prompt_sha256,
)
from harness.workspace.model_file import split_option
from harness.workspace.policy_file import PolicyConfig

if TYPE_CHECKING:
    from collections.abc import Sequence

POLICY = PolicyConfig.model_validate({"max_spend_usd": 5, "risk": {"low": {"margin": 10}}})


def case(name: str, *, target: str | None = "yes", text: str | None = None) -> Case:
    return Case(
        id=name, input=text or f"hello {name}", target=target, metadata=(("layout", "typed"),)
    )


def evalset(cases: Sequence[Case] = (case("a"), case("b"))) -> EvalSet:
    return EvalSet(
        feature="f",
        unit="cases",
        cases=tuple(cases),
        primary=ScorerSpec(scorer="exact"),
        guardrails=(GuardrailSpec(scorer=ScorerSpec(scorer="format"), margin=2),),
        slices=(),
        cluster_key=None,
        tune=0,
        repeats=1,
        bar=None,
        provenance="written",
        targets="human",
    )


def test_a_fingerprint_is_sha256_of_sorted_json_without_blanks() -> None:
    text = '{"a":[1,"é"],"b":null}'
    assert fingerprint({"b": None, "a": [1, "é"]}) == hashlib.sha256(text.encode()).hexdigest()


def test_days_and_decimals_count_as_text() -> None:
    assert fingerprint([date(2026, 10, 1), Decimal("1.50")]) == fingerprint(["2026-10-01", "1.50"])


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_what_is_no_number_has_no_fingerprint(value: float) -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        fingerprint([value])


def test_what_is_no_json_has_no_fingerprint() -> None:
    with pytest.raises(TypeError, match="bytes is no JSON value"):
        fingerprint([b"x"])


def test_a_lone_surrogate_can_be_fingerprinted() -> None:
    assert fingerprint("\ud800") != fingerprint("\ud801")


def test_line_ends_do_not_change_a_prompt() -> None:
    assert prompt_sha256("a\r\nb") == prompt_sha256("a\nb") != prompt_sha256("a\nb\n")


@given(st.permutations([case(name) for name in "abcd"]))
def test_the_order_of_the_lines_does_not_count(cases: list[Case]) -> None:
    assert inputs_sha256(evalset(cases)) == inputs_sha256(
        evalset(sorted(cases, key=lambda c: c.id))
    )
    assert labels_sha256(evalset(cases)) == labels_sha256(evalset(cases[::-1]))


CHANGED_INPUTS = [
    replace(evalset(), cases=(case("a"), case("c"))),
    replace(evalset(), cases=(case("a"), case("b", text="hello!"))),
    replace(evalset(), cases=(case("a"), replace(case("b"), metadata=()))),
    replace(evalset(), cases=(case("a"), replace(case("b"), choices=("x", "y")))),
    replace(evalset(), primary=ScorerSpec(scorer="contains")),
    replace(evalset(), primary=ScorerSpec(scorer="exact", options='{"case":true}')),
    replace(evalset(), guardrails=()),
]


@pytest.mark.parametrize("changed", CHANGED_INPUTS)
def test_inputs_and_scorers_count(changed: EvalSet) -> None:
    assert inputs_sha256(changed) != inputs_sha256(evalset())


def test_labels_are_not_inputs() -> None:
    relabelled = evalset([case("a", target="no"), replace(case("b"), also_right=("yep",))])
    assert inputs_sha256(relabelled) == inputs_sha256(evalset())
    assert labels_sha256(relabelled) != labels_sha256(evalset())


def test_without_a_label_there_is_no_labels_fingerprint() -> None:
    assert labels_sha256(evalset([case("a", target=None)])) is None
    assert labels_sha256(evalset([case("a", target="")])) is not None


def test_slices_and_margins_are_policy_not_inputs() -> None:
    sliced = replace(evalset(), slices=(SliceSpec(key="layout", value="typed", margin=3),))
    assert inputs_sha256(sliced) == inputs_sha256(evalset())


@pytest.mark.parametrize(
    "change",
    [
        {"confidence": 0.9},
        {"minimum_saving_usd": Decimal(1)},
        {"risk": {}},
        {"procedure": POLICY.procedure.model_copy(update={"looks": 3})},
    ],
)
def test_what_decides_changes_the_policy_fingerprint(change: dict[str, object]) -> None:
    assert policy_sha256(POLICY.model_copy(update=change)) != policy_sha256(POLICY)


@pytest.mark.parametrize("change", [{"max_spend_usd": Decimal(9)}, {"share_of_rate_limit": 0.1}])
def test_what_does_not_decide_leaves_it(change: dict[str, object]) -> None:
    assert policy_sha256(POLICY.model_copy(update=change)) == policy_sha256(POLICY)


@pytest.mark.parametrize(
    ("name", "parts"),
    [("m", ("m", None)), ("m@low", ("m", "low")), ("m@", ("m", "")), ("a@b@c", ("a", "b@c"))],
)
def test_an_option_names_a_model_and_maybe_an_effort(
    name: str, parts: tuple[str, str | None]
) -> None:
    assert split_option(name) == parts
