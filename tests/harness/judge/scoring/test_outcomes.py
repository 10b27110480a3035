from dataclasses import dataclass
from decimal import Decimal

import pytest

from harness.errors import UsageError
from harness.journal.trials import Answered, Failed, Missing, Trial
from harness.judge.scoring.catalogue import find_scorer
from harness.judge.scoring.scorer import NoTargetError, normal_form, score_outcome
from providers.provider import Endpoint
from providers.request import Message, ModelRequest
from tests.support.scoring import case, spec

LABEL = find_scorer(spec("label", labels=["yes", "no"]))
TRIAL = Trial(
    fingerprint="f",
    feature="refund-request",
    option="small",
    case_id="c-1",
    repeat=0,
    purpose="quality",
    endpoint=Endpoint(vendor="openai-compatible", api="chat"),
    request=ModelRequest(
        model="m", messages=(Message(role="user", text="?"),), max_output_tokens=6
    ),
    reserve_usd=Decimal("0.1"),
)


def answered(text: str) -> Answered:
    return Answered(trial=TRIAL, attempts=(), text=text, finish="stop")


def test_an_answer_is_scored_and_a_malformed_one_counts_as_wrong() -> None:
    assert score_outcome(answered("Yes."), case("yes"), LABEL) == 1
    assert score_outcome(answered("maybe"), case("yes"), LABEL) == 0
    assert normal_form(answered("Yes."), LABEL) == "yes"


def test_the_model_s_failure_counts_as_wrong_and_the_world_s_not_at_all() -> None:
    failed = Failed(trial=TRIAL, attempts=(), reason="refusal")
    missing = Missing(trial=TRIAL, attempts=(), reason="RateLimitedError")
    assert score_outcome(failed, case("yes"), LABEL) == 0
    assert score_outcome(failed, case(None), LABEL) == 0
    assert score_outcome(missing, case("yes"), LABEL) is None
    assert normal_form(failed, LABEL) is None


def test_an_unlabelled_case_is_never_scored() -> None:
    with pytest.raises(NoTargetError):
        score_outcome(answered("yes"), case(None), LABEL)


@dataclass(frozen=True)
class Off:
    value: float
    closed: bool = False
    needs_target: bool = False

    def score(self, _case: object, _answer: str) -> float:
        return self.value

    def normalise(self, answer: str) -> str | None:
        return answer


@pytest.mark.parametrize("value", [float("nan"), -0.1, 1.1])
def test_a_score_outside_the_unit_is_an_error(value: float) -> None:
    with pytest.raises(UsageError, match="case 'c-1': a score of"):
        score_outcome(answered("x"), case("x"), Off(value))
