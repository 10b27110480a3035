"""Whose a stored sum is: as it was placed, else by today's rules; whom its feature's file names."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase

from harness.bring.logs.attributing import Attribution, Placeable
from harness.workspace.feature_file import FeatureConfig


@dataclass(frozen=True, slots=True, kw_only=True)
class Placing:
    """How names that logs do not tell are found."""

    rules: Attribution = field(default_factory=Attribution)
    features: Mapping[str, FeatureConfig] = field(default_factory=dict[str, FeatureConfig])
    owners: Mapping[str, str] = field(default_factory=dict[str, str])
    """Who answers for a team's spend, where no feature's file says it."""

    def placed(self, told: Mapping[str, str]) -> dict[str, str]:
        """Every name of a line; tags were not kept, so rules that look at one place nothing."""
        found = dict(told)
        if not found["feature"]:
            found |= self._by_rules(told)
        config = self.features.get(found["feature"])
        if config is not None:
            found["team"] = found["team"] or config.team
            found["product"] = found["product"] or config.product
            found["environment"] = found["environment"] or config.environment
        return found | {"owner": self._owner(found, config)}

    def _by_rules(self, told: Mapping[str, str]) -> dict[str, str]:
        rules = tuple(rule for rule in self.rules.rules if rule.when.tag is None)
        call = Placeable(
            caller=told["caller"], model=told["model"], environment=told["environment"]
        )
        new = Attribution(rules).place(call)
        return {name: value for name, value in new.items() if not told[name]}

    def _owner(self, found: Mapping[str, str], config: FeatureConfig | None) -> str:
        """The feature's owner, else whom `attribution.yaml` or `policy.yaml` names."""
        if config is not None:
            return config.owner
        for rule in self.rules.rules:
            same = rule.feature == found["feature"] if rule.feature else rule.team == found["team"]
            if rule.owner and same and (found["feature"] or found["team"]):
                return rule.owner
        named = (who for team, who in self.owners.items() if fnmatchcase(found["team"], team))
        return next(named, "") if found["team"] else ""
