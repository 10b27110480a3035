"""A scorer of the team's own: `module:function`.

The module is a file of the eval set's folder, else an importable one. The function is called with
`answer` (text), `target` (text or None) and `metadata` (by key, text), and returns a bool or a
number in [0, 1]. With `normalise: name`, a second function of that module gives the answer's
normal form (text, or None when malformed); the score must then depend on that form alone.
"""

from __future__ import annotations

import importlib
import importlib.util
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from harness.errors import UsageError
from harness.scoring.scorer import NoTargetError, Options, Setting, plain, read_options

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import ModuleType

    from evalsets.cases import Case, ScorerSpec
    from harness.scoring.scorer import Scorer


class CustomOptions(Options):
    """What the function judges by."""

    normalise: str | None = None
    """A function of the same module: answer to its normal form; marks closed answers."""
    needs_target: bool = True
    """Whether a case must have a target to be scored."""


@dataclass(frozen=True, slots=True)
class Custom:
    """A function of the team's own, its results checked."""

    name: str
    function: Callable[..., Any]
    form: Callable[[str], Any] | None
    needs_target: bool

    @property
    def closed(self) -> bool:
        """Whether a normal form is given."""
        return self.form is not None

    def normalise(self, answer: str) -> str | None:
        """The module's own normal form, else the reply itself."""
        if self.form is None:
            return plain(answer) or None
        found = self._called(self.form, "an answer", answer)
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
        values = {"answer": answer, "target": target, "metadata": dict(case.metadata)}
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


def _member(scorer: str, module: ModuleType, name: str) -> Callable[..., Any]:
    member = getattr(module, name, None)
    if not callable(member):
        raise UsageError(f"scorer {scorer!r}: {module.__name__} has no function {name!r}")
    return member
