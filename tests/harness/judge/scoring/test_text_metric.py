from pathlib import Path

import pytest

from harness.errors import UsageError
from harness.judge.scoring.catalogue import find_scorer
from harness.judge.scoring.scorer import Scorer, Setting
from tests.support.scoring import case, spec

pytest.importorskip("evaluate")

METRIC = """
import datasets
import evaluate


class Overlap(evaluate.Metric):
    def _info(self):
        text = datasets.Value("string")
        return evaluate.MetricInfo(
            description="share of the target's words in the reply",
            citation="",
            inputs_description="",
            features=datasets.Features({"predictions": text, "references": text}),
        )

    def _compute(self, predictions, references, scale=1.0):
        words = references[0].split()
        if not words:
            raise ValueError("an empty target\\nsecond line")
        return {"overlap": scale * sum(w in predictions[0].split() for w in words) / len(words)}
"""


def overlap(folder: Path, **options: object) -> Scorer:
    (folder / "overlap.py").write_text(METRIC, encoding="utf-8")
    options = {"metric": "./overlap.py", "result": "overlap", **options}
    return find_scorer(spec("evaluate", **options), Setting(folder=folder))


def test_a_metric_s_script_beside_the_eval_set_grades_a_reply(tmp_path: Path) -> None:
    scorer = overlap(tmp_path)
    assert scorer.score(case("a b c d"), "a c x") == 0.5
    assert scorer.score(case("a"), "  ") == 0
    assert scorer.normalise("x") == "x"
    assert overlap(tmp_path, arguments={"scale": 0.5}).score(case("a"), "a") == 0.5
    assert not scorer.closed


def test_what_a_metric_cannot_do_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="gives no result 'f1'"):
        overlap(tmp_path, result="f1").score(case("a"), "a")
    with pytest.raises(UsageError, match=r"case 'c-1': an empty target$"):
        overlap(tmp_path).score(case(" "), "a")


@pytest.mark.parametrize(
    ("metric", "message"),
    [
        ("./absent.py", "no such file"),
        ("/etc/metric.py", "option 'metric'"),
        ("https://example.com/metric", "option 'metric'"),
    ],
)
def test_a_metric_comes_from_the_folder_or_the_hub(
    tmp_path: Path, metric: str, message: str
) -> None:
    with pytest.raises(UsageError, match=message):
        find_scorer(spec("evaluate", metric=metric, result="x"), Setting(folder=tmp_path))


def test_a_script_that_cannot_be_loaded_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "bad.py").write_text("import no_such_module_here\n", encoding="utf-8")
    with pytest.raises(UsageError, match=r"bad\.py' cannot be loaded: "):
        find_scorer(spec("evaluate", metric="./bad.py", result="x"), Setting(folder=tmp_path))
