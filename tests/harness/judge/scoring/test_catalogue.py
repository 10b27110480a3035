import pytest

from evalsets.cases import ScorerSpec
from harness.errors import UsageError
from harness.judge.scoring.catalogue import SCORERS, find_scorer, is_binary
from harness.judge.scoring.scorer import Setting
from tests.support.scoring import case, spec


def test_an_unknown_scorer_lists_the_known_ones() -> None:
    with pytest.raises(UsageError, match=r"unknown scorer 'labl'; known: assertions, .*:function"):
        find_scorer(spec("labl"))


@pytest.mark.parametrize("name", sorted(SCORERS))
def test_an_unknown_option_is_refused(name: str) -> None:
    with pytest.raises(UsageError, match=f"scorer '{name}': option "):
        find_scorer(spec(name, tolerence=1))


def test_options_that_are_no_json_are_refused() -> None:
    broken = type(spec("exact"))(scorer="exact", options="{")
    with pytest.raises(UsageError, match="scorer 'exact': Invalid JSON"):
        find_scorer(broken)


def test_format_is_about_the_primary_scorer() -> None:
    primary = find_scorer(spec("label", labels=["yes", "no"]))
    scorer = find_scorer(spec("format"), Setting(primary=primary))
    assert scorer.score(case(None), "no") == 1
    assert scorer.score(case(None), "yes or no") == 0
    assert scorer.normalise("Yes!") == "yes"
    with pytest.raises(UsageError, match="about the primary scorer"):
        find_scorer(spec("format"))


@pytest.mark.parametrize(
    ("which", "binary"),
    [
        (spec("label", labels=["a", "b"]), True),
        (spec("json-fields"), True),
        (spec("json-fields", **{"pass": "share"}), False),
        (spec("evaluate"), False),
        (spec("own:function"), False),
    ],
)
def test_which_scorers_are_binary_is_known(which: ScorerSpec, *, binary: bool) -> None:
    assert is_binary(which) == binary
