"""Dollars: a proven bound is set aside before a call, and the true cost replaces it after."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from decimal import Decimal
from threading import RLock

from harness.errors import BudgetRefusedError, UsageError
from harness.journal.trials import Trial
from harness.wording import usd
from providers.completion import TokenUsage


class Ledger:
    """Keeps `spent + possibly billed + reserved` at or below the cap.

    `price` gives the cost of an attempt from its usage, None when it cannot be priced.
    `spent_usd` and `possibly_billed_usd` are what earlier runs of the same review used of the cap.
    Several threads may use it.
    """

    def __init__(
        self,
        cap_usd: Decimal,
        price: Callable[[Trial, TokenUsage], Decimal | None],
        *,
        spent_usd: Decimal = Decimal(0),
        possibly_billed_usd: Decimal = Decimal(0),
    ) -> None:
        self.cap_usd = cap_usd
        self.spent_usd = spent_usd
        self.possibly_billed_usd = possibly_billed_usd
        self.reserved_usd = Decimal(0)
        self.reservations = 0
        """Calls that something is set aside for."""
        self.has_begun = bool(spent_usd or possibly_billed_usd)
        """Whether a call was ever allowed: a free one leaves no other trace."""
        self._price = price
        self._turn = RLock()

    @property
    def left_usd(self) -> Decimal:
        """What may still be set aside."""
        with self._turn:
            return self.cap_usd - self.spent_usd - self.possibly_billed_usd - self.reserved_usd

    def reserve(self, trial: Trial) -> bool:
        """Set a call's upper bound aside; False when the cap has no room for it."""
        return self.reserve_all((trial,))

    def reserve_all(self, trials: Sequence[Trial]) -> bool:
        """Set the upper bounds of these calls aside, of all or of none; False: there is no room."""
        for trial in trials:
            if trial.reserve_usd < 0:
                raise UsageError(f"{trial.feature}: negative reservation for case {trial.case_id}")
        wanted = sum((trial.reserve_usd for trial in trials), Decimal(0))
        with self._turn:
            if wanted > self.left_usd:
                return False
            self.reserved_usd += wanted
            self.reservations += len(trials)
            self.has_begun = True
            return True

    def refuse_at_once(self, trial: Trial) -> None:
        """End a run whose cap has no room for even its first call.

        Raises:
            BudgetRefusedError: no call was allowed yet, and one is above the cap.
        """
        if not self.has_begun and trial.reserve_usd > self.cap_usd:
            raise BudgetRefusedError(
                f"the cap of {usd(self.cap_usd)} allows not one call: one of {trial.option} may "
                f"cost up to {usd(trial.reserve_usd)}; nothing was spent"
            )

    def resume(self, reserve_usd: Decimal, *, counted: bool) -> None:
        """Set aside again what an earlier run set aside for a call that has not ended yet.

        `counted`: `possibly_billed_usd` has it.
        """
        with self._turn:
            self.has_begun = True
            self.reservations += 1
            self.reserved_usd += reserve_usd
            self.possibly_billed_usd -= reserve_usd if counted else Decimal(0)

    def settle(
        self, trial: Trial, usage: TokenUsage | None, *, billable: bool = True
    ) -> Decimal | None:
        """Replace a reservation by the cost; None, and the whole bound kept, when it is unknown."""
        cost = self._cost(trial, usage, billable=billable)
        with self._turn:
            self.reservations -= 1
            self.reserved_usd -= trial.reserve_usd
            if cost is None:
                self.possibly_billed_usd += trial.reserve_usd
            else:
                self.spent_usd += cost
        return cost

    def _cost(self, trial: Trial, usage: TokenUsage | None, *, billable: bool) -> Decimal | None:
        if usage is not None:
            return self._price(trial, usage)
        return None if billable else Decimal(0)
