"""The scorer of tool calls: pairs of a target and a reply with their verdict, and its laws."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalsets.cases import Case
from harness.errors import UsageError
from harness.journal.trials import Answered
from harness.judge.scoring.catalogue import find_scorer, is_binary, is_closed, target_reply
from harness.judge.scoring.constants import best_constant
from harness.judge.scoring.replies import Called, Told, opened, whole
from harness.judge.scoring.scorer import Scorer, Setting, checked_score, normal_form, score_outcome
from harness.judge.scoring.tools.calls import shown_calls
from tests.support import bfcl
from tests.support.scoring import case, spec
from tests.support.trials import trial

HERE = Path(__file__).parent
TOOLS = "tool_schemas.json"
PAIRS = [json.loads(line) for line in (HERE / "tool_calls.jsonl").read_text("utf-8").splitlines()]
EXAMPLES = [json.loads(line) for line in (HERE / "bfcl.jsonl").read_text("utf-8").splitlines()]
"""Our own, in the form and by the categories of the Berkeley Function Calling Leaderboard; `valid`
is what its checker says (`python -m tests.benchmarks.tool_calls.bfcl`)."""


def scorer(**options: object) -> Scorer:
    return find_scorer(spec("tool-calls", tools=TOOLS, **options), Setting(folder=HERE))


def reply(calls: list[dict[str, object]], text: str = "") -> str:
    listed = [
        {
            "id": f"call_{at}",
            "name": each["name"],
            "arguments": each["arguments"]
            if isinstance(each["arguments"], str)
            else json.dumps(each["arguments"]),
        }
        for at, each in enumerate(calls)
    ]
    return whole(text, json.dumps(listed) if listed else None)


def wanted(targets: list[object]) -> Case:
    first, *others = (json.dumps(each) for each in targets)
    return replace(case(first), also_right=tuple(others))


@pytest.mark.parametrize("pair", PAIRS, ids=[each["why"] for each in PAIRS])
def test_a_pair_has_its_verdict(pair: dict) -> None:
    one = scorer(**pair.get("options", {}))
    asked = wanted(pair["targets"])
    answer = reply(pair["calls"])
    assert checked_score(one, asked, answer) == float(pair["right"])
    form = one.normalise(answer)
    if form is not None:
        # A label holds the normal form: as a target it is right for this answer, and itself again.
        assert one.normalise(target_reply(one, asked, form)) == form
        assert checked_score(one, replace(asked, target=form, also_right=()), answer) == 1


@pytest.mark.parametrize(
    "each", EXAMPLES, ids=[f"{each['category']}: {each['why']}" for each in EXAMPLES]
)
def test_an_example_has_the_verdict_of_the_leaderboards_checker(each: dict, tmp_path: Path) -> None:
    (tmp_path / "tools.json").write_text(json.dumps(bfcl.tools_of(each["function"])))
    named = spec("tool-calls", tools="tools.json", arguments=bfcl.RULES)
    one = find_scorer(named, Setting(folder=tmp_path))
    asked = wanted(bfcl.targets_of(each["ground_truth"]))
    assert one.score(asked, whole("", bfcl.calls_of(each["reply"]))) == float(each["valid"])


def test_what_the_catalogue_says() -> None:
    assert is_binary(spec("tool-calls"))
    assert is_closed(spec("tool-calls"))


def test_an_outcome_brings_its_calls_and_text_alone_is_no_call() -> None:
    calls = json.dumps([{"id": "x", "name": "weather", "arguments": '{"city": "Paris"}'}])
    made = Answered(
        trial=trial(1), attempts=(), text="One moment.", finish="tool_calls", tool_calls=calls
    )
    right = wanted([[{"name": "weather", "arguments": {"city": "Paris"}}]])
    assert score_outcome(made, right, scorer()) == 1
    said = replace(made, text=whole("", calls), tool_calls=None)
    assert score_outcome(said, right, scorer()) == 0
    assert normal_form(said, scorer()) == "[]"
    assert score_outcome(said, wanted([[]]), scorer()) == 1


@given(st.text(), st.lists(st.tuples(st.text(min_size=1), st.text())))
def test_text_and_calls_come_back_and_no_text_imitates_them(
    text: str, calls: list[tuple[str, str]]
) -> None:
    listed = [{"id": "1", "name": name, "arguments": arguments} for name, arguments in calls]
    answer = whole(text, json.dumps(listed) if listed else None)
    made = tuple(Called(name=name, arguments=arguments) for name, arguments in calls)
    assert opened(answer) == Told(text=text, calls=made)
    assert opened(whole(answer, None)) == Told(text=answer)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"order": "some"}, "option 'order'"),
        ({"arguments": {"city": "words"}}, "option 'arguments.city'"),
        ({"arguments": {"town": "text"}}, "no tool has 'town'"),
        ({"arguments": {"weather.citty": "text"}}, "did you mean `weather.city`"),
        ({"tools": "gone.json"}, "no file 'gone.json'"),
        ({"tools": "../up.json"}, "no file"),
        ({"tools": "tool_calls.jsonl"}, "no JSON"),
    ],
)
def test_wrong_options_are_one_line(options: dict[str, object], said: str) -> None:
    with pytest.raises(UsageError, match=said) as caught:
        find_scorer(spec("tool-calls", **{"tools": TOOLS, **options}), Setting(folder=HERE))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "target", ["weather(city=Paris)", '["weather"]', '[{"arguments": {}}]', "3"]
)
def test_a_target_that_is_no_list_of_calls_is_told_with_its_case(target: str) -> None:
    with pytest.raises(UsageError, match=r"case 'c-1': .*the target"):
        scorer().score(case(target), "")


def test_a_constant_may_be_no_call() -> None:
    cases = [wanted([[]]), wanted([[]]), wanted([[{"name": "stop", "arguments": {}}]])]
    assert best_constant(scorer(), cases).mean == pytest.approx(2 / 3)


def test_calls_read_as_people_write_them() -> None:
    form = scorer().normalise(
        reply([{"name": "pay", "arguments": {"to": "A\u00e9", "amount": 2.0}}])
    )
    assert form is not None
    assert shown_calls(form) == 'pay(amount=2, to="A\u00e9")'
    assert shown_calls("[]") == "(no call)"
    broken = Told(text="ok", calls=(Called(name="pay", arguments="{"),))
    assert broken.shown() == "[calls pay({)]\nok"
