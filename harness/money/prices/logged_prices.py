"""Prices of models as logs name them: the workspace's entries first, then the vendors' lists."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import cache

from harness.money.prices.model_catalogue import CurrentModel, current_models
from harness.money.prices.pricebook import CatalogueGapError, catalogue_rates, find_model
from harness.money.prices.rate_tables import Rates
from harness.money.prices.rates import PriceMissingError, find_rates
from harness.workspace.model_file import ModelConfig, undated
from harness.workspace.policy_file import PolicyConfig

_SELLERS = ("openai", "anthropic", "google", "aws", "azure", "mistral", "cohere", "deepseek")
"""Whose list is looked at, in this order, for a model that the workspace does not have."""


@cache
def _current(vendor: str, on: date) -> tuple[CurrentModel, ...]:
    return current_models(vendor, on)


@dataclass(frozen=True, slots=True, kw_only=True)
class LoggedPrices:
    """Finds what a logged model cost on a day."""

    models: Mapping[str, ModelConfig]
    policy: PolicyConfig

    def cheaper(self, model: str, on: date) -> Mapping[str, Rates]:
        """What may be asked in a model's place: the workspace's and its vendor's current models.

        Only those that cost less both ways; what they can do is not looked at.
        """
        own = self.rates(model, on)
        if own is None:
            return {}
        names = {*self.models, *(each.name for each in _current(self._vendor(model), on))}
        found = {name: rates for name in sorted(names) if (rates := self.rates(name, on))}
        return {
            name: rates
            for name, rates in found.items()
            if rates.input < own.input and rates.output < own.output
        }

    def _vendor(self, model: str) -> str:
        name = model.rpartition("/")[2]
        entry = self._entry(name) or self._entry(undated(name))
        if entry is not None:
            return self.models[entry].provider
        return next((each for each in _SELLERS if name and find_model(each, name)), "")

    def rates(self, model: str, on: date) -> Rates | None:
        """The prices of a model on a day; None: nobody lists one."""
        name = model.rpartition("/")[2]
        entry = self._entry(name) or self._entry(undated(name))
        if entry is not None:
            try:
                return find_rates(entry, self.models[entry], self.policy, on=on)
            except PriceMissingError:
                return None
        seller = next((each for each in _SELLERS if name and find_model(each, name)), None)
        if seller is None:
            return None
        try:
            return catalogue_rates(seller, name, on)
        except CatalogueGapError:
            return None

    def _entry(self, name: str) -> str | None:
        """The workspace's model of a name, or of a version."""
        known = self.models.items()
        return next((entry for entry, config in known if name in {entry, config.version}), None)
