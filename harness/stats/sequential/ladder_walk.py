"""The ladder test: how many cases each option is asked, and which are accepted at what level.

The product walks one history, the benchmarks thousands: options come best first along the second
axis, by price or by expected net saving. Per option it needs
the smallest level at which each look passes (`harness.stats.sequential.levels`)
and the predicted chance at each check.

Why a wrong pick needs at most alpha: survivors and weights are fixed by the pilot's cases, which
no test sees; an option is accepted when its sequential p-value is below its local level; local
levels start at weight x alpha and grow only by the levels of accepted options that come later,
split in proportion to the weights (W. Maurer and F. Bretz 2013, with edges from later to earlier
only; what would go to an accepted one goes on to its own heirs). The order is the pilot's, too;
stopped, dropped and vetoed options pass nothing on; asking less only removes acceptances. An option
whose earlier tests left it less than alpha has a limit: its share beyond it goes to the others
before any test, and what it would inherit beyond it is lost, which only removes acceptances.

An option is stopped for futility only if that saves calls: never at the last check, and never when
the cases of the next check are already answered.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from harness.stats.arrays import Bools, Floats, Ints


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """What is known of each option; shapes (runs, options), or (runs, options, checks) where noted.

    `levels` is the smallest level at which the test passes at a check, NaN where the check is no
    look or not known yet. `chances` is the predicted chance, NaN where not known yet. `known`
    is False where the option has not been asked as far as that check. `bought`: the known cases
    are already paid for, so stopping early does not save them.

    `nets`, shape (runs, options, checks), is an option's saving minus the cost of its errors on the
    cases up to a check, `most` its saving without errors: an option is not asked if an accepted one
    already nets as much. None: any accepted option ends the asking.

    Where labels or answers are absent, `levels` takes all of them against the option and `hopes`
    all in its favour. An option that `waits` for labels holds the ladder after its last check if
    the two disagree. None: nothing is absent, or nothing waits.

    `most_local`, shape (runs, options), is the most that each local level may become; None: alpha.
    """

    alpha: float
    futility: float
    weights: Floats
    levels: Floats
    chances: Floats
    known: Bools
    vetoed: Bools
    cleared: Bools
    bought: bool = False
    nets: Floats | None = None
    most: Floats | None = None
    hopes: Floats | None = None
    waits: Bools | None = None
    most_local: Floats | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Walk:
    """The state of a history; shapes (runs, options) or (runs,).

    `local` is the local level, `smallest` the sequential p-value, `reached` the number of checks
    asked, `stopped` by futility (before the last check) at the predicted chance `last_chance` (NaN
    if not stopped), `accepted` on quality (and not vetoed). `wants` is the option to be asked up to
    its next check, or whose labels decide (-1: none), `confirm` the option that passed and waits
    for a look at its vetoes (-1: none).
    """

    local: Floats
    smallest: Floats
    reached: Ints
    stopped: Bools
    last_chance: Floats
    accepted: Bools
    wants: Ints
    confirm: Ints


def weigh(chances: Floats, savings: Floats, least: float) -> Floats:
    """Shares of alpha in proportion to chance^2 x sqrt(saving), none below `least`.

    Sums to 1 over the options of the last axis, or to 0 when every chance is 0.
    """
    raw = raw_shares(chances, savings)
    return _shares(np.where(raw < least, 0.0, raw))


def raw_shares(chances: Floats, savings: Floats) -> Floats:
    """As `weigh`, without a smallest share."""
    return _shares(chances**2 * np.sqrt(savings))


def _shares(raw: Floats) -> Floats:
    total = raw.sum(axis=-1, keepdims=True)
    return np.divide(raw, total, out=np.zeros_like(raw), where=total > 0)


def within(weights: Floats, most: Floats) -> Floats:
    """The weights with none above `most`: what is over goes to the others, by their weights."""
    found = weights
    for _ in range(weights.shape[-1]):
        over = np.maximum(found - most, 0.0).sum(axis=-1, keepdims=True)
        if not over.any():
            break
        held = np.minimum(found, most)
        found = held + over * _shares(np.where(held < most, held, 0.0))
    return np.minimum(found, most)


def walk(history: History) -> Walk:
    """Run the ladder as far as the history allows."""
    state = _Walker(history)
    for option in range(history.weights.shape[1]):
        state.climb(option)
    return state.result()


class _Walker:
    """The arrays of a walk in progress."""

    def __init__(self, history: History) -> None:
        shape = history.weights.shape
        self.given = history
        given = history.most_local
        self.most = np.full(shape, history.alpha) if given is None else given
        self.local = np.minimum(history.weights * history.alpha, self.most)
        self.smallest = np.ones(shape)
        self.reached = np.zeros(shape, dtype=np.int64)
        self.stopped = np.zeros(shape, dtype=np.bool_)
        self.last_chance = np.full(shape, np.nan)
        self.accepted = np.zeros(shape, dtype=np.bool_)
        self.best = np.full(shape[0], -np.inf)
        self.wants = np.full(shape[0], -1, dtype=np.int64)
        self.confirm = np.full(shape[0], -1, dtype=np.int64)

    def climb(self, option: int) -> None:
        """Ask one option check by check, if it can still win and no earlier option is pending."""
        given = self.given
        going = ~self._beaten(option) & self._undisturbed()
        going &= (given.weights[:, option] > 0) & ~given.vetoed[:, option]
        passed = np.zeros_like(going)
        for check in range(given.levels.shape[2]):
            unknown = going & ~given.known[:, option, check]
            self.wants[unknown] = option
            going &= ~unknown
            self.reached[going, option] = check + 1
            level = np.where(going, given.levels[:, option, check], np.nan)
            self.smallest[:, option] = np.fmin(self.smallest[:, option], level)
            success = going & (self.smallest[:, option] < self.local[:, option])
            passed |= success
            futile = going & ~success & self._is_futile(option, check)
            self.stopped[futile, option] = True
            self.last_chance[futile, option] = given.chances[futile, option, check]
            going &= ~(success | futile)
            if not going.any():
                break
        self.wants[going & self._hangs(option)] = option
        self._accept(option, passed)

    def _hangs(self, option: int) -> Bools:
        """Whether it depends on labels that are waited for if the option passes."""
        given = self.given
        if given.hopes is None or given.waits is None:
            return np.zeros(len(self.wants), dtype=np.bool_)
        best = np.fmin.reduce(given.hopes[:, option], axis=1, initial=1.0)
        return np.asarray(given.waits[:, option] & (best < self.local[:, option]))

    def _beaten(self, option: int) -> Bools:
        """Whether an accepted option is at least as good as this one can be."""
        if self.given.most is None:
            return np.any(self.accepted, axis=1)
        return np.asarray(self.best >= self.given.most[:, option])

    def _is_futile(self, option: int, check: int) -> Bools:
        """Whether the predicted chance is too small, and stopping here saves cases."""
        given = self.given
        unlikely: Bools = given.chances[:, option, check] < given.futility
        if check + 1 == given.levels.shape[2]:
            return np.zeros_like(unlikely)
        return unlikely & ~given.known[:, option, check + 1] if given.bought else unlikely

    def _undisturbed(self) -> Bools:
        return (self.wants < 0) & (self.confirm < 0)

    def _accept(self, option: int, passed: Bools) -> None:
        """Accept where cleared, and pass the level on to earlier options, which may then pass."""
        waiting = passed & ~self.given.cleared[:, option]
        self.confirm[waiting] = option
        sure = passed & ~waiting
        self._enter(option, sure)
        if option == 0 or not sure.any():
            return
        heir = self._pass_on(option, sure)
        for earlier in range(option - 1, -1, -1):
            again = sure & ~self.given.vetoed[:, earlier] & heir[:, earlier]
            again &= self.smallest[:, earlier] < self.local[:, earlier]
            if again.any():
                self._accept(earlier, again)
                sure &= ~again

    def _enter(self, option: int, sure: Bools) -> None:
        self.accepted[sure, option] = True
        if self.given.nets is not None:
            last = np.maximum(self.reached[:, option] - 1, 0)
            net = np.take_along_axis(self.given.nets[:, option], last[:, None], axis=1)[:, 0]
            self.best = np.where(sure, np.fmax(self.best, net), self.best)

    def _pass_on(self, option: int, sure: Bools) -> Bools:
        """Pass an accepted option's level on to its heirs; returns which options got some."""
        flow = np.zeros((len(sure), option + 1))
        flow[sure, option] = self.local[sure, option]
        for giver in range(option, 0, -1):
            amount = np.where(self.accepted[:, giver], flow[:, giver], 0.0)
            if not amount.any():
                continue
            heirs = np.where((amount > 0)[:, None], self.given.weights[:, :giver], 0.0)
            flow[:, :giver] += _shares(heirs) * amount[:, None]
        taken = np.where(self.accepted[:, :option], 0.0, flow[:, :option])
        more = self.local[:, :option] + taken
        self.local[:, :option] = np.minimum(more, self.most[:, :option])
        return taken > 0

    def result(self) -> Walk:
        """The arrays, final."""
        return Walk(
            local=self.local,
            smallest=self.smallest,
            reached=self.reached,
            stopped=self.stopped,
            last_chance=self.last_chance,
            accepted=self.accepted,
            wants=self.wants,
            confirm=self.confirm,
        )
