"""`attribution.yaml`: whose a call is, by tags and caller; the first rule that holds counts.

A call that no rule places keeps what it says of itself: the format's own field, else a tag such as
`feature:triage`. Tags that clients set by themselves (`User-Agent: ...`) name nobody.
"""

from __future__ import annotations

from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import cast

from pydantic import model_validator

from evalsets.files import FileModel
from evalsets.source import SourceError, read_text, read_yaml
from evalsets.validation import validated
from harness.bring.logs.sql import TAGS_APART, quoted
from harness.errors import Problem, WorkspaceError
from harness.workspace.reading import problem_of

FILE = "attribution.yaml"
PLACES = ("feature", "team", "product", "environment", "cohort")
_OWN = {
    **{name: f"own_{name}" for name in ("feature", "team", "product")},
    **{name: name for name in ("environment", "cohort")},
}
_BEFORE = {
    "key_alias": "coalesce(caller, '')",
    "model": "coalesce(model, '')",
    "environment": "coalesce(environment, '')",
}


class AttributionWhen(FileModel):
    """What a call must be; every condition that is stated must hold. `*` stands for any text."""

    tag: str | None = None
    """One of its tags, as `feature:triage`."""
    key_alias: str | None = None
    """Who called: the key's alias, the service, the identity."""
    model: str | None = None
    """The model as it was logged."""
    environment: str | None = None
    """The environment as it was logged."""

    @model_validator(mode="after")
    def _states_something(self) -> AttributionWhen:
        if not any((self.tag, self.key_alias, self.model, self.environment)):
            raise ValueError("needs a condition: tag, key_alias, model or environment")
        if (self.tag or "").lower().startswith("user-agent"):
            raise ValueError("clients set User-Agent by themselves: use key_alias, or another tag")
        return self


class AttributionRule(FileModel):
    """A line of `attribution.yaml`."""

    when: AttributionWhen
    """What a call must be."""
    feature: str | None = None
    """Its feature."""
    team: str | None = None
    """Its team."""
    product: str | None = None
    """Its product."""
    environment: str | None = None
    """Its environment."""
    cohort: str | None = None
    """Its cohort: whose requests are counted apart."""
    owner: str | None = None
    """Who answers for the feature's, else the team's spend, where no feature's file says it."""

    @model_validator(mode="after")
    def _owned(self) -> AttributionRule:
        if self.owner and not (self.feature or self.team):
            raise ValueError("an owner needs a feature or a team that is owned")
        return self

    @model_validator(mode="after")
    def _places(self) -> AttributionRule:
        if not any(getattr(self, name) for name in PLACES):
            raise ValueError(f"places nothing: state one of {', '.join(PLACES)}")
        return self


@dataclass(frozen=True, slots=True, kw_only=True)
class Placeable:
    """What rules look at."""

    tags: tuple[str, ...] = ()
    caller: str = ""
    model: str = ""
    environment: str = ""


@dataclass(frozen=True, slots=True)
class Attribution:
    """Attribution in their order."""

    rules: tuple[AttributionRule, ...] = ()

    def placed(self) -> str:
        """The SQL that places a call: `to_feature`, `to_team`, ... of its columns and `tagged`."""
        return ", ".join(f"{self._place(name)} AS to_{name}" for name in PLACES)

    def _place(self, name: str) -> str:
        found = quoted(f"(?i)\x1f{name}:([^\x1f]*)")
        tagged = (
            f"CASE WHEN contains(lower(tagged), {TAGS_APART} || '{name}:') "
            f"THEN regexp_extract(tagged, {found}, 1) END"
        )
        own = [_OWN[name]] if name in _OWN else []
        otherwise = f"coalesce({', '.join([*own, f'trim({tagged})'])}, '')"
        if not self.rules:
            return otherwise
        cases = " ".join(
            f"WHEN {_holds(rule.when)} THEN "
            + (quoted(value) if (value := getattr(rule, name)) else otherwise)
            for rule in self.rules
        )
        return f"CASE {cases} ELSE {otherwise} END"

    def place(self, call: Placeable) -> dict[str, str]:
        """Whose one charge or call is, by the same rules; what nothing places is left out."""
        rule = next((rule for rule in self.rules if _meets(rule.when, call)), None)
        own = {name: _tagged(call.tags, name) for name in PLACES}
        own["environment"] = call.environment or own["environment"]
        found = {name: (rule and getattr(rule, name)) or own[name] for name in PLACES}
        return {name: value for name, value in found.items() if value}


def _tagged(tags: tuple[str, ...], name: str) -> str:
    start = f"{name}:"
    found = (tag[len(start) :].strip() for tag in tags if tag.lower().startswith(start))
    return next(found, "")


def _meets(when: AttributionWhen, call: Placeable) -> bool:
    texts = {"key_alias": call.caller, "model": call.model, "environment": call.environment}
    patterns = {name: getattr(when, name) for name in texts}
    if any(p is not None and not _like(texts[name], p) for name, p in patterns.items()):
        return False
    return when.tag is None or any(_like(tag, when.tag) for tag in call.tags)


def _like(value: str, pattern: str) -> bool:
    """As GLOB has it: `*`, `?` and `[...]`, capital letters told apart."""
    return fnmatchcase(value, pattern)


def _holds(when: AttributionWhen) -> str:
    tests = [
        f"{before} GLOB {quoted(pattern)}"
        for name, before in _BEFORE.items()
        if (pattern := getattr(when, name)) is not None
    ]
    if when.tag is not None:
        own = "NOT starts_with(lower(tag), 'user-agent')"
        tags = f"string_split(tagged[2:-2], {TAGS_APART})"
        holds = f"lambda tag: tag GLOB {quoted(when.tag)} AND {own}"
        tests.append(f"(length(tagged) > 1 AND len(list_filter({tags}, {holds})) > 0)")
    return "(" + " AND ".join(tests) + ")"


def read_rules(root: Path) -> Attribution:
    """The rules of a workspace; none without the file.

    Raises:
        WorkspaceError: every fault of the file.
    """
    path = root / FILE
    if not path.exists():
        return Attribution()
    problems: list[Problem] = []
    rules: list[AttributionRule] = []
    try:
        source = read_yaml(read_text(path, shown=FILE), file=FILE)
    except SourceError as error:
        raise WorkspaceError([problem_of(fault) for fault in error.faults]) from None
    if not isinstance(source.data, list):
        message = "must be a list of rules: - {when: {tag: ...}, feature: ...}"
        raise WorkspaceError([Problem(file=FILE, line=1, key="", message=message)])
    for at in range(len(cast("list[object]", source.data))):
        try:
            rules.append(validated(source, AttributionRule, at=(at,)))
        except SourceError as error:
            problems += [problem_of(fault) for fault in error.faults]
    if problems:
        raise WorkspaceError(problems)
    return Attribution(tuple(rules))
