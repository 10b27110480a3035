"""Text metrics of the `evaluate` library: a metric's script beside the eval set, or a name.

`./token_f1.py` is loaded from the eval set's folder, without a network. A bare name (`rouge`) is
loaded from the library's cache or from the model hub, whose code then runs here: none of the
library's metrics comes with its package.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, Protocol

from pydantic import Field

from harness.errors import UsageError
from harness.scoring.scorer import Options, Setting, plain, read_options, targets_of

if TYPE_CHECKING:
    from evalsets.cases import Case, ScorerSpec
    from harness.scoring.scorer import Scorer


class MetricOptions(Options):
    """Which metric, and which of its results."""

    metric: Annotated[str, Field(min_length=1, pattern=r"^(\./[\w./-]+\.py|[a-z0-9_]+)$")]
    """`./script.py` in the eval set's folder, or a bare name of the hub."""
    result: str
    """Key of the metric's result that is the score, in [0, 1]."""
    arguments: Annotated[dict[str, Any], Field(default_factory=dict)]
    """Further arguments of the metric."""


class _Metric(Protocol):
    def compute(self, **values: object) -> dict[str, Any] | None: ...


@dataclass(frozen=True, slots=True)
class TextMetric:
    """A text metric between the reply and the target: an open answer, a graded score."""

    name: str
    metric: _Metric
    result: str
    arguments: dict[str, Any]
    closed: bool = False
    needs_target: bool = True

    def normalise(self, answer: str) -> str | None:
        """The reply itself; None when it is empty."""
        return plain(answer) or None

    def score(self, case: Case, answer: str) -> float:
        """The metric's result for this one pair, the best of several targets; 0 when empty."""
        targets = targets_of(case)
        if self.normalise(answer) is None:
            return 0.0
        return max(self._result(case, answer, target) for target in targets)

    def _result(self, case: Case, answer: str, target: str) -> float:
        try:
            found = self.metric.compute(predictions=[answer], references=[target], **self.arguments)
            return float((found or {})[self.result])
        except KeyError:
            raise UsageError(f"metric {self.name!r} gives no result {self.result!r}") from None
        except (TypeError, ValueError, ArithmeticError) as error:
            reason = str(error).splitlines()[0] if str(error) else type(error).__name__
            raise UsageError(f"metric {self.name!r}: case {case.id!r}: {reason}") from error


def text_metric(spec: ScorerSpec, setting: Setting) -> Scorer:
    """Make a `TextMetric`; raises `UsageError` where the metric cannot be loaded."""
    options = read_options(spec, MetricOptions)
    where = options.metric
    if where.startswith("./"):
        if setting.folder is None or not (setting.folder / where).is_file():
            raise UsageError(f"metric {where!r}: no such file in the eval set's folder")
        where = str(setting.folder / where)
    return TextMetric(options.metric, _loaded(where), options.result, options.arguments)


def _loaded(where: str) -> _Metric:
    try:
        import evaluate  # noqa: PLC0415  # heavy, and only for eval sets that name it
    except ImportError:
        raise UsageError("scorer 'evaluate' needs: pip install model-rightsizing[review]") from None
    try:
        return evaluate.load(where, keep_in_memory=True)  # pyright: ignore[reportUnknownMemberType]
    except (OSError, ImportError, ValueError) as error:
        reason = str(error).splitlines()[0]
        raise UsageError(f"metric {where!r} cannot be loaded: {reason}") from error
