"""`check`: everything that is wrong with a workspace, at once, by file, line and key."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from evalsets.loading import CONFIG_FILE
from evalsets.prompts import PromptError, check_template, render_prompt
from evalsets.source import read_yaml
from evalsets.validation import shown
from harness.config.feature_checks import evalset_folder, named_options
from harness.config.options import split_option
from harness.config.reading import problem_of
from harness.config.workspace import inspect_workspace, sorted_problems
from harness.costing.rates import PriceMissingError, find_rates, price_age
from harness.errors import ExitCode, Problem, UsageError, WorkspaceError
from harness.scoring.catalogue import find_scorer
from harness.scoring.scorer import Setting
from harness.serving.catalogue import missing_weights
from harness.wording import plural

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from datetime import date
    from pathlib import Path

    from evalsets.cases import Case, EvalSet, ScorerSpec, Turn
    from evalsets.source import KeyPath
    from harness.config.files import ModelConfig, PolicyConfig
    from harness.config.reading import Reading
    from harness.scoring.scorer import Scorer


HasPrice: TypeAlias = "Callable[[str, ModelConfig, PolicyConfig], str | None]"
"""Says why a model has no price that may be used; None when it has one. Or: why to look again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckReport:
    """What `check` found; `problems` by file and line."""

    features: int
    models: int
    cases: int
    problems: tuple[Problem, ...]

    @property
    def errors(self) -> tuple[Problem, ...]:
        """The problems that stop every command."""
        return self._of("error")

    @property
    def blocked(self) -> tuple[Problem, ...]:
        """The problems that stop one feature each."""
        return self._of("blocked")

    @property
    def warnings(self) -> tuple[Problem, ...]:
        """The problems that stop nothing."""
        return self._of("warning")

    @property
    def exit_code(self) -> ExitCode:
        """What the command exits with."""
        return ExitCode.USAGE_ERROR if self.errors else ExitCode.OK

    def _of(self, severity: str) -> tuple[Problem, ...]:
        return tuple(problem for problem in self.problems if problem.severity == severity)


def priced_by_probe(config: ModelConfig) -> bool:
    """Is the price a matter of each feature's probe and traffic, which `plan` looks for?"""
    return config.gpu is not None and not config.price


def priced_on(on: date) -> HasPrice:
    """The question whether a model has a price on a day, one that is not too old to use."""

    def has_price(model: str, config: ModelConfig, policy: PolicyConfig) -> str | None:
        if priced_by_probe(config):
            return None
        try:
            rates = find_rates(model, config, policy, on=on)
        except PriceMissingError as error:
            return str(error)
        age = price_age(rates, policy, on=on)
        if age.freshness != "fail":
            return None
        return (
            f"the price of {model} was last confirmed {age.days} days ago, more than twice "
            f"`expires_days.prices`; state `checked:` or a newer price"
        )

    return has_price


def aged_on(on: date) -> HasPrice:
    """The question why a price should be looked at again on a day."""

    def why(model: str, config: ModelConfig, policy: PolicyConfig) -> str | None:
        if priced_by_probe(config):
            return None
        try:
            age = price_age(find_rates(model, config, policy, on=on), policy, on=on)
        except PriceMissingError:
            return None
        if age.freshness != "warn":
            return None
        seen = "nobody knows when" if age.days is None else f"{age.days} days ago"
        return f"its price was last confirmed {seen}; confirm it with `checked:`"

    return why


def check_workspace(
    root: Path, *, has_price: HasPrice, has_aged: HasPrice | None = None, on: date | None = None
) -> CheckReport:
    """Check a workspace: nothing is asked of anybody, and no code of the user's is run.

    `on` is the day of the check; without it no day is held against another.
    """
    reading, evalsets = inspect_workspace(root)
    problems = [*reading.problems, *_price_problems(reading, has_price)]
    problems += _age_problems(reading, has_aged) if has_aged else []
    problems += _weights_problems(reading, root)
    problems += _agreed_later(reading, on) if on else []
    for name, evalset in evalsets.items():
        folder = evalset_folder(root, name, reading.features[name].config)
        problems += _scorer_problems(evalset, folder)
        problems += _prompt_problems(reading, name, evalset)
    return CheckReport(
        features=len(reading.features),
        models=len(reading.models),
        cases=sum(len(evalset.cases) for evalset in evalsets.values()),
        problems=sorted_problems(problems),
    )


def _agreed_later(reading: Reading, on: date) -> Iterator[Problem]:
    """Margins agreed on a day that is to come: documents say that they were agreed before."""
    for entry in reading.features.values():
        agreed = entry.config.agreed
        if agreed is not None and agreed.on > on:
            message = f"{agreed.on} is to come; state the day on which the margin was agreed"
            yield entry.problem(("agreed", "on"), message)


def _weights_problems(reading: Reading, root: Path) -> list[Problem]:
    """Weights that are neither named nor here; a warning, as another machine may have them."""
    try:
        missing = missing_weights(
            {name: entry.config for name, entry in reading.models.items()}, root
        )
    except WorkspaceError as error:
        return list(error.problems)
    return [
        reading.models[name].problem(("serve", "weights"), why, severity="warning")
        for name, why in missing.items()
    ]


def _price_problems(reading: Reading, has_price: HasPrice) -> Iterator[Problem]:
    """Unpriced: an error for an incumbent, blocks a feature that names it, else a warning."""
    if reading.policy is None:
        return
    policy = reading.policy.config
    answers = {
        name: has_price(name, entry.config, policy) for name, entry in reading.models.items()
    }
    unpriced = {name: f"PRICE_MISSING: {why}" for name, why in answers.items() if why is not None}
    unnamed = dict(unpriced)
    for entry in reading.features.values():
        for key, option in named_options(entry.config):
            name, _ = split_option(option)
            if name in unpriced:
                severity = "error" if key[0] == "incumbent" else "blocked"
                yield entry.problem(key, unpriced[name], severity=severity)
                unnamed.pop(name, None)
    for name, why in unnamed.items():
        yield reading.models[name].problem((), why, severity="warning")


def _age_problems(reading: Reading, has_aged: HasPrice) -> Iterator[Problem]:
    if reading.policy is None:
        return
    for name, entry in reading.models.items():
        why = has_aged(name, entry.config, reading.policy.config)
        if why is not None:
            yield entry.problem((), why, severity="warning")


def _scorer_problems(evalset: EvalSet, folder: Path) -> Iterator[Problem]:
    """Scorers that cannot be made; a function of the user's is not imported here."""
    primary: Scorer | None = None
    if not _is_users(evalset.primary):
        try:
            primary = find_scorer(evalset.primary, Setting(folder=folder))
        except UsageError as error:
            yield _at_evalset(folder, ("primary",), str(error))
        else:
            yield from _hopeless_targets(evalset, primary, folder)
    for at, guardrail in enumerate(evalset.guardrails):
        if primary is None or _is_users(guardrail.scorer):
            continue
        try:
            find_scorer(guardrail.scorer, Setting(folder=folder, primary=primary))
        except UsageError as error:
            yield _at_evalset(folder, ("guardrails", at), str(error))


def _hopeless_targets(evalset: EvalSet, primary: Scorer, folder: Path) -> Iterator[Problem]:
    """Targets that would be wrong as answers: both models would fail there, and seem alike."""
    if not (primary.closed and primary.needs_target):
        return
    targets = {case.id: case.target for case in evalset.cases if case.target is not None}
    wrong = [
        case.id
        for case in evalset.cases
        if case.id in targets and primary.score(case, targets[case.id]) < 1
    ]
    if wrong:
        message = (
            f"no answer can be right on {plural(len(wrong), 'case')}, for the target itself "
            f"scores as wrong; the first is {wrong[0]!r}, its target {shown(targets[wrong[0]])}"
        )
        yield _at_evalset(folder, ("primary",), message)


def _is_users(spec: ScorerSpec) -> bool:
    return ":" in spec.scorer


def _at_evalset(folder: Path, key: KeyPath, message: str) -> Problem:
    """A problem in an `evalset.yaml` that was read before; now its lines are wanted."""
    text = (folder / CONFIG_FILE).read_text(encoding="utf-8-sig")
    source = read_yaml(text, file=f"evalsets/{folder.name}/{CONFIG_FILE}")
    return problem_of(source.fault(key, message))


def _prompt_problems(reading: Reading, name: str, evalset: EvalSet) -> Iterator[Problem]:
    """Prompts that some case cannot fill in: the first such case of each prompt."""
    for path in sorted((reading.root / "prompts" / name).glob("*.j2")):
        text = path.read_text(encoding="utf-8-sig", errors="replace")
        if check_template(text) is not None:
            continue
        message = _prompt_fault(text, evalset.cases)
        if message is not None:
            where = path.relative_to(reading.root).as_posix()
            yield Problem(file=where, line=None, key="", message=message)


def _prompt_fault(text: str, cases: Sequence[Case]) -> str | None:
    """Why a prompt cannot be used on these cases; None when it can."""
    questions: list[tuple[Turn, ...]] = []
    for case in cases:
        try:
            questions.append(render_prompt(text, case))
        except PromptError as error:
            return f"case {case.id!r}: {error}"
    alike = all(question == questions[0] for question in questions)
    if alike and any(case.input != cases[0].input for case in cases):
        return "every case is asked the same: the prompt needs {{ input }} or {{ metadata.KEY }}"
    return None
