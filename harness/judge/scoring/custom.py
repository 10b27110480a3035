"""Scorers that run code of others: a team's own function, another tool's grade, a text metric.

`module:function` is a file of the eval set's folder, else an importable module. The function is
called with `answer` (text), `target` (text or None) and `metadata` (by key, text), and with
`tool_calls` where it takes one: a list of {name, arguments}, the arguments as JSON has them, or as
text where they are no JSON. It returns a bool or a number in [0, 1]. With `normalise: name`, a
second function of that module gives the answer's normal form (text, or None when malformed; it may
take `tool_calls`, too); the score must then depend on that form alone.

`graded` takes another tool's grade of an imported answer as given: the journal's text of such an
answer is `{"answer": ..., "score": ...}`.

`evaluate` runs a text metric of that library. `./token_f1.py` is loaded from the eval set's folder
without a network; a bare name (`rouge`) from the library's cache or from the model hub, whose code
then runs here, because the package itself contains no metric.
"""

from __future__ import annotations

import importlib
import importlib.util
import inspect
import json
import re
import symtable
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import ModuleType
from typing import Annotated, Any, Protocol, cast

from pydantic import Field

from evalsets.cases import Case, ScorerSpec
from harness.errors import UsageError
from harness.judge.scoring.replies import Told, opened, without_reasoning
from harness.judge.scoring.scorer import (
    NoTargetError,
    Options,
    Scorer,
    Setting,
    plain,
    read_options,
    targets_of,
)


class CustomOptions(Options):
    """What the function judges by."""

    normalise: str | None = None
    """A function of the same module: answer to its normal form; marks closed answers."""
    needs_target: bool = True
    """Whether a case must have a target to be scored."""


@dataclass(frozen=True, slots=True)
class Custom:
    """A team's own function, its results checked."""

    name: str
    function: Callable[..., Any]
    form: Callable[[str], Any] | None
    needs_target: bool

    @property
    def closed(self) -> bool:
        """Whether a normal form is given."""
        return self.form is not None

    @property
    def sees_calls(self) -> bool:
        """Whether the function takes the tool calls, and that of the normal form, if any."""
        return all(map(_takes_calls, filter(None, (self.function, self.form))))

    def normalise(self, answer: str) -> str | None:
        """The module's own normal form, else the reply itself."""
        told = opened(answer)
        text = without_reasoning(told.text)
        if self.form is None:
            return plain(replace(told, text=text).shown()) or None
        found = self._called(self.form, "an answer", text, **_calls_for(self.form, told))
        if found is None or isinstance(found, str):
            return found
        raise UsageError(f"scorer {self.name!r}: normalise returned {found!r}; want text or None")

    def score(self, case: Case, answer: str) -> float:
        """The function's own score; raises `UsageError` for anything outside [0, 1]."""
        if self.form is not None and self.normalise(answer) is None:
            return 0.0
        if case.target is None and self.needs_target:
            raise NoTargetError(case)
        targets = (case.target, *case.also_right)
        return max(self._result(case, answer, target) for target in targets)

    def _result(self, case: Case, answer: str, target: str | None) -> float:
        told = opened(answer)
        values = {
            "answer": without_reasoning(told.text),
            "target": target,
            "metadata": dict(case.metadata),
            **_calls_for(self.function, told),
        }
        found = self._called(self.function, f"case {case.id!r}", **values)
        if isinstance(found, (bool, int, float)) and 0 <= found <= 1:
            return float(found)
        raise UsageError(
            f"scorer {self.name!r}: case {case.id!r}: returned {found!r}; want a number in [0, 1]"
        )

    def _called(
        self, function: Callable[..., Any], what: str, *args: object, **values: object
    ) -> object:
        try:
            return function(*args, **values)
        except Exception as error:  # whatever the team's code raises is named
            reason = f"{type(error).__name__}: {error}".splitlines()[0]
            raise UsageError(f"scorer {self.name!r}: {what}: {reason}") from error


def _takes_calls(function: Callable[..., Any]) -> bool:
    """Whether a function takes an argument `tool_calls`."""
    try:
        taken = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        # Some callables of other languages tell nothing of what they take.
        return False
    return any(each.name == _CALLS or each.kind is each.VAR_KEYWORD for each in taken)


_CALLS = "tool_calls"


def _calls_for(function: Callable[..., Any], told: Told) -> dict[str, object]:
    """The tool calls as a function's argument; nothing for one that takes none."""
    if not _takes_calls(function):
        return {}
    return {_CALLS: [{"name": call.name, "arguments": call.read()} for call in told.calls]}


def custom(spec: ScorerSpec, setting: Setting) -> Scorer:
    """Make a `Custom` from `module:function`."""
    options = read_options(spec, CustomOptions)
    module_name, _, function_name = spec.scorer.partition(":")
    module = _module(spec.scorer, module_name, setting)
    function = _member(spec.scorer, module, function_name)
    form = _member(spec.scorer, module, options.normalise) if options.normalise else None
    return Custom(spec.scorer, function, form, options.needs_target)


def _module(scorer: str, name: str, setting: Setting) -> ModuleType:
    path = None if setting.folder is None else setting.folder / f"{name}.py"
    try:
        if path is None or not path.is_file():
            return importlib.import_module(name)
        found = importlib.util.spec_from_file_location(f"rightsize_scorer_{name}", path)
        if found is None or found.loader is None:
            raise ImportError(f"cannot load {path}")  # noqa: TRY301  # told like any other
        module = importlib.util.module_from_spec(found)
        found.loader.exec_module(module)
    except Exception as error:  # a module may raise anything when it is loaded
        reason = f"{type(error).__name__}: {error}".splitlines()[0]
        raise UsageError(f"scorer {scorer!r}: {reason}") from error
    return module


def absent_code(spec: ScorerSpec, folder: Path) -> str | None:
    """Why a team's function or metric script cannot be found; None: it is there, or may be.

    Nothing of it is run: the file is looked for, and the name among those that it binds. Of a
    module in a package it is only told whether there is such a package, as finding the rest would
    import it.
    """
    if ":" not in spec.scorer:
        where = read_options(spec, MetricOptions).metric
        return None if (folder / where).is_file() else _no_metric(where)
    module, _, function = spec.scorer.partition(":")
    normalise = read_options(spec, CustomOptions).normalise
    path = folder / f"{module}.py"
    if path.is_file():
        why = _unbound(path, (function, normalise) if normalise else (function,))
    elif _is_installed(module.partition(".")[0]):
        why = None
    else:
        why = (
            f"no file {path.name!r} in the eval set's folder, and no module {module!r} is installed"
        )
    return None if why is None else f"scorer {spec.scorer!r}: {why}"


def _unbound(path: Path, names: Sequence[str]) -> str | None:
    """Why a file does not give these names; None: it does, or may."""
    try:
        bound = _bound_names(path.read_text(encoding="utf-8-sig"), path.name)
    except (OSError, SyntaxError, ValueError) as error:
        return f"{path.name} cannot be read: {error}"
    lacking = [name for name in names if bound is not None and name not in bound]
    return f"{path.name} has no function {lacking[0]!r}" if lacking else None


def _is_installed(name: str) -> bool:
    try:
        return importlib.util.find_spec(name) is not None
    except (ImportError, ValueError):
        # It is loaded already, and has no spec.
        return name in sys.modules


_BINDS_OTHERWISE = re.compile(
    r"\bimport\s+\*|\b(?:globals|vars|setattr|exec|global|__getattr__|__dict__)\b"
)


def _bound_names(code: str, file: str) -> frozenset[str] | None:
    """The names that a module binds when it is loaded; None: its code does not show all of them.

    Raises:
        SyntaxError: it is no Python.
    """
    names = symtable.symtable(code, file, "exec").get_symbols()
    if _BINDS_OTHERWISE.search(code):
        return None
    return frozenset(one.get_name() for one in names if one.is_assigned() or one.is_imported())


def _member(scorer: str, module: ModuleType, name: str) -> Callable[..., Any]:
    member = getattr(module, name, None)
    if not callable(member):
        raise UsageError(f"scorer {scorer!r}: {module.__name__} has no function {name!r}")
    return member


class GradedOptions(Options):
    """Who graded."""

    by: str
    """The tool and its measure, for people."""
    binary: bool = False
    """Whether every grade is 0 or 1."""


def envelope(answer: str | None, score: float) -> str:
    """An imported answer with its grade, as the journal keeps it.

    >>> envelope("billing", 1.0)
    '{"answer": "billing", "score": 1.0}'
    """
    return json.dumps({"answer": answer, "score": score}, ensure_ascii=False)


@dataclass(frozen=True, slots=True)
class Graded:
    """The grade that came with the answer."""

    by: str
    closed: bool = False
    needs_target: bool = False

    def normalise(self, answer: str) -> str | None:
        """The answer without its grade; None where the other tool told none."""
        return _opened(answer).get("answer")

    def score(self, case: Case, answer: str) -> float:
        """The grade; raises `UsageError` for an answer that came without one."""
        score = _opened(answer).get("score")
        if isinstance(score, float) and 0 <= score <= 1:
            return score
        raise UsageError(f"case {case.id!r}: the answer was not graded by {self.by}")


def _opened(text: str) -> dict[str, Any]:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return cast("dict[str, Any]", value) if isinstance(value, dict) else {}


def graded(spec: ScorerSpec, _setting: Setting) -> Scorer:
    """Make a `Graded`."""
    return Graded(read_options(spec, GradedOptions).by)


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
        return plain(without_reasoning(answer)) or None

    def score(self, case: Case, answer: str) -> float:
        """The metric's result for this one pair, the best of several targets; 0 when empty."""
        targets = targets_of(case)
        if self.normalise(answer) is None:
            return 0.0
        return max(self._result(case, answer, target) for target in targets)

    def _result(self, case: Case, answer: str, target: str) -> float:
        try:
            found = self.metric.compute(
                predictions=[without_reasoning(answer)], references=[target], **self.arguments
            )
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
            raise UsageError(_no_metric(where))
        where = str(setting.folder / where)
    return TextMetric(options.metric, _loaded(where), options.result, options.arguments)


def _no_metric(where: str) -> str:
    return f"metric {where!r}: no such file in the eval set's folder"


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
