import sys
from pathlib import Path

import pytest

from harness.errors import UsageError
from harness.judge.scoring.catalogue import find_scorer
from harness.judge.scoring.scorer import NoTargetError, Scorer, Setting
from tests.support.scoring import case, spec

MODULE = """
def vowels(answer, target, metadata):
    return min(1.0, sum(c in "aeiou" for c in answer) / float(metadata.get("want", 2)))

def equal(answer, target, metadata):
    return answer.lower() == target.lower()

def lower(answer):
    return answer.lower() or None

def number(answer):
    return 7

def wrong(answer, target, metadata):
    return {"nan": float("nan"), "two": 2, "text": "1", "none": None}[answer]

def raises(answer, target, metadata):
    raise RuntimeError("first line\\nsecond line")

constant = 3
"""


def own(folder: Path, function: str, **options: object) -> Scorer:
    (folder / "own.py").write_text(MODULE, encoding="utf-8")
    return find_scorer(spec(f"own:{function}", **options), Setting(folder=folder))


def test_the_team_s_function_is_called_with_what_it_may_know(tmp_path: Path) -> None:
    scorer = own(tmp_path, "vowels", needs_target=False)
    assert scorer.score(case(None, want="4"), "aei") == 0.75
    assert not scorer.closed
    assert scorer.normalise(" a  b ") == "a b"


def test_a_normal_form_closes_the_answers(tmp_path: Path) -> None:
    scorer = own(tmp_path, "equal", normalise="lower")
    assert scorer.closed
    assert scorer.normalise("ABC") == "abc"
    assert scorer.score(case("abc"), "ABC") == 1
    assert scorer.score(case("abc"), "") == 0
    with pytest.raises(NoTargetError):
        scorer.score(case(None), "abc")


@pytest.mark.parametrize("answer", ["nan", "two", "text", "none"])
def test_a_result_that_is_no_score_names_the_case(tmp_path: Path, answer: str) -> None:
    with pytest.raises(UsageError, match=r"case 'c-1': returned .* want a number in"):
        own(tmp_path, "wrong").score(case("x"), answer)


def test_an_exception_of_the_function_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"case 'c-1': RuntimeError: first line$"):
        own(tmp_path, "raises").score(case("x"), "x")


def test_a_normal_form_is_a_text(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="normalise returned 7"):
        own(tmp_path, "equal", normalise="number").normalise("x")


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("own:absent", "has no function 'absent'"),
        ("own:constant", "has no function 'constant'"),
        ("no_such_module_here:f", "ModuleNotFoundError"),
    ],
)
def test_what_cannot_be_found_is_one_line(tmp_path: Path, name: str, message: str) -> None:
    (tmp_path / "own.py").write_text(MODULE, encoding="utf-8")
    with pytest.raises(UsageError, match=message):
        find_scorer(spec(name), Setting(folder=tmp_path))


def test_a_broken_module_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "broken.py").write_text("def f(:\n", encoding="utf-8")
    with pytest.raises(UsageError, match="scorer 'broken:f': SyntaxError"):
        find_scorer(spec("broken:f"), Setting(folder=tmp_path))


def test_an_importable_module_will_do_and_the_path_stays(tmp_path: Path) -> None:
    before = list(sys.path)
    own(tmp_path, "equal")
    assert find_scorer(spec("operator:eq")).closed is False
    assert sys.path == before
