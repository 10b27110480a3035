"""`check`: everything that is wrong with a workspace, at once, by file, line and key."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TypeAlias, cast

from evalsets.cases import EvalSet
from evalsets.prompts import check_template, prompt_fault
from evalsets.samples import inside
from evalsets.splits import tune_cases
from harness.ask.serving.weights_file import missing_weights
from harness.conduct.measuring import at_evalset, judges_of, measure_problems, measures_of
from harness.conduct.spend_checks import spend_problems
from harness.errors import ExitCode, Problem, UsageError, WorkspaceError
from harness.journal.database import journal_fault
from harness.judge.scoring.catalogue import scorer_faults
from harness.judge.scoring.json_answers import validator_of
from harness.judge.scoring.tools.schemas import read_tools
from harness.money.prices.rates import PriceMissingError, find_rates, idle_discounts, price_age
from harness.plan.abilities import unseen_problems
from harness.plan.crossing import boundless, uncrossing
from harness.plan.decisions.questions import unheard_problems
from harness.plan.sampling import (
    copies_line,
    floor_note,
    hopeless,
    near_copies_line,
    near_copies_of,
)
from harness.workspace.feature_checks import evalset_folder, named_options
from harness.workspace.feature_file import FeatureConfig
from harness.workspace.model_file import ModelConfig, split_option
from harness.workspace.patterns import LIMIT_S, TooLongError, time_limit
from harness.workspace.policy_file import PolicyConfig
from harness.workspace.reading import ParsedFile, Reading
from harness.workspace.state import journal_file
from harness.workspace.workspace import (
    Workspace,
    inspect_workspace,
    sorted_problems,
    sound_workspace,
)

HasPrice: TypeAlias = "Callable[[str, ModelConfig, PolicyConfig], str | None]"
"""Says why a model has no price that may be used; None when it has one. Or: why to look again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckReport:
    """What `check` found; `problems` by file and line."""

    features: int
    models: int
    cases: int
    problems: tuple[Problem, ...]
    copies: int = 0
    """Further rows of the case files, which ask the same as a case."""

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
    problems += _journal_problems(root)
    problems += _discount_problems(reading, evalsets, on) if on else []
    problems += spend_problems(reading, on)
    problems += _feature_problems(reading, evalsets, on, run_users_code=False)
    for name, evalset in evalsets.items():
        folder = evalset_folder(root, name, reading.features[name].config)
        problems += _copies(root, name, evalset, folder)
        problems += _floor_problems(reading, name, evalset)
    return CheckReport(
        features=len(reading.features),
        models=len(reading.models),
        cases=sum(len(evalset.cases) for evalset in evalsets.values()),
        copies=sum(len(evalset.copies) for evalset in evalsets.values()),
        problems=sorted_problems(problems),
    )


def checked_workspace(root: Path, *, on: date, features: Collection[str] = ()) -> Workspace:
    """The workspace of a command that may pay, after the checks of `check`.

    A feature with a fault of its own is left out: it stands in the workspace's `refused`. Prices
    are left to the plan, which blocks a feature that lacks one. The team's own scorers are
    imported, and tried on a constant.

    Raises:
        WorkspaceError: a fault that all features share, or no wanted feature without one.
    """
    reading, evalsets = inspect_workspace(root)
    problems = [*reading.problems, *_weights_problems(reading, root), *_journal_problems(root)]
    problems += _feature_problems(reading, evalsets, on, run_users_code=True)
    return sound_workspace(reading, evalsets, sorted_problems(problems), features)


def _feature_problems(
    reading: Reading, evalsets: Mapping[str, EvalSet], on: date | None, *, run_users_code: bool
) -> Iterator[Problem]:
    """What is wrong with single features beyond what reading them tells."""
    yield from _agreed_later(reading, on) if on else ()
    for name, evalset in evalsets.items():
        entry = reading.features[name]
        folder = evalset_folder(reading.root, name, entry.config)
        yield from _scorer_problems(entry, evalset, folder, run_users_code=run_users_code)
        yield from unseen_problems(reading, entry, evalset, folder)
        yield from unheard_problems(reading, entry)
        yield from measure_problems(
            reading, entry, (evalset, folder), run_users_code=run_users_code
        )
        yield from _prompt_problems(reading, name, evalset)
        yield from _request_problems(entry, folder)
        yield from boundless(reading, entry)
        yield from uncrossing(reading, entry, name)


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


def _journal_problems(root: Path) -> Iterator[Problem]:
    """Problems of a file at the journal's path that is no journal."""
    path = journal_file(root)
    fault = journal_fault(path)
    if fault is not None:
        yield Problem(file=path.relative_to(root).as_posix(), line=None, key="", message=fault)


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


def _discount_problems(
    reading: Reading, evalsets: Mapping[str, EvalSet], on: date
) -> Iterator[Problem]:
    """Discounts that change no price: nothing breaks, but somebody counts on them."""
    if reading.policy is None or not reading.all_models_named:
        return
    if not evalsets.keys() >= reading.features.keys():
        return  # What a feature names is not known.
    models = {name: entry.config for name, entry in reading.models.items()}
    tiers = {entry.config.request.service_tier for entry in reading.features.values()}
    asked = set(_asked_models(reading, evalsets))
    for provider, why in idle_discounts(reading.policy.config, models, tiers, asked, on=on):
        yield reading.policy.problem(("discounts", provider), why, severity="warning")


def _asked_models(reading: Reading, evalsets: Mapping[str, EvalSet]) -> Iterator[str]:
    """The models that features name: to answer, as roles of their programs, or as judges."""
    for name, entry in reading.features.items():
        config = entry.config
        yield from (split_option(option)[0] for _, option in named_options(config))
        yield from reading.models if config.candidates == "auto" else ()
        yield from config.program.roles.values() if config.program is not None else ()
        yield from judges_of(measures_of(evalsets[name]))


def _age_problems(reading: Reading, has_aged: HasPrice) -> Iterator[Problem]:
    if reading.policy is None:
        return
    for name, entry in reading.models.items():
        why = has_aged(name, entry.config, reading.policy.config)
        if why is not None:
            yield entry.problem((), why, severity="warning")


def _scorer_problems(
    entry: ParsedFile[FeatureConfig], evalset: EvalSet, folder: Path, *, run_users_code: bool
) -> Iterator[Problem]:
    """Scorers that cannot be made, or that no answer could pass."""
    given = _given_tools(entry, folder)
    for key, why in scorer_faults(evalset, folder, given, run_users_code=run_users_code):
        yield at_evalset(folder, key, why)


def _given_tools(entry: ParsedFile[FeatureConfig], folder: Path) -> frozenset[str] | None:
    """Names of the tools that the models are given; None without tools or with a faulty file."""
    value = _json_of(folder, entry.config.request.tools)
    try:
        tools = read_tools(json.dumps(value)) if isinstance(value, list) else ()
    except UsageError:
        return None  # Told of the feature's request.
    return frozenset(tool.name for tool in tools) or None


def _copies(root: Path, name: str, evalset: EvalSet, folder: Path) -> Iterator[Problem]:
    """Rows that add nothing, or little, to what the eval set can decide."""
    near = near_copies_of(evalset, root / "prompts" / name)
    for line in (copies_line(evalset), near_copies_line(near)):
        if line is not None:
            yield at_evalset(folder, ("cases",), line, severity="warning")


def _floor_problems(reading: Reading, name: str, evalset: EvalSet) -> Iterator[Problem]:
    """Cases on which not even a model that is always right could be told from a constant answer.

    A plan says the same of its feature, and asks nothing.
    """
    if reading.policy is None:
        return
    config = reading.features[name].config
    folder = evalset_folder(reading.root, name, config)
    risk = reading.policy.config.risk[config.risk].margin
    margin = config.margin if config.margin is not None else risk
    tune = {case.id for case in tune_cases(evalset)}
    deciding = [case for case in evalset.cases if case.id not in tune]
    found = hopeless(evalset, deciding, folder=folder, margin=margin)
    if found is not None:
        why = f"EVALSET_CANNOT_TELL: {floor_note(found, evalset.unit)}"
        yield at_evalset(folder, ("cases",), why, severity="blocked")


CASES_PER_S = 1000
"""Cases a second that any prompt can be filled in for."""


def _prompt_problems(reading: Reading, name: str, evalset: EvalSet) -> Iterator[Problem]:
    """Prompts that some case cannot fill in: the first such case of each prompt."""
    for path in sorted((reading.root / "prompts" / name).glob("*.j2")):
        text = path.read_text(encoding="utf-8-sig", errors="replace")
        if not text.strip() or check_template(text) is not None:
            continue
        where = path.relative_to(reading.root).as_posix()
        patience_s = LIMIT_S + len(evalset.cases) / CASES_PER_S
        try:
            with time_limit("filling it in for every case", patience_s):
                message = prompt_fault(text, evalset.cases)
        except TooLongError as error:
            message = str(error)
        if message is not None:
            yield Problem(file=where, line=None, key="", message=message)


def _request_problems(entry: ParsedFile[FeatureConfig], folder: Path) -> Iterator[Problem]:
    """A schema or tools that no vendor, or no scorer, could work with."""
    request = entry.config.request
    for key, name in (("schema", request.json_schema), ("tools", request.tools)):
        value = _json_of(folder, name)
        try:
            if key == "tools" and isinstance(value, list):
                read_tools(json.dumps(value))
            elif key == "schema" and isinstance(value, dict):
                validator_of(cast("object", value))
        except UsageError as error:
            message = f"the file evalsets/{folder.name}/{name}: {error}"
            yield entry.problem(("request", key), message)


def _json_of(folder: Path, name: str | None) -> object:
    """A file's value; None where there is none, which is told elsewhere."""
    path = None if name is None else inside(folder, name)
    try:
        return None if path is None else json.loads(path.read_text(encoding="utf-8-sig"))
    except (OSError, ValueError, RecursionError):
        return None
