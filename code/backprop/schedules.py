"""Learning rates as functions of the step.

A schedule is a callable, step → η, with the steps counted from 0: ``schedule(optimizer.steps)`` is
the rate of the next step, after a resumed checkpoint too. All but :class:`ReduceOnPlateau` are
pure: the same step gives the same rate, in any order. In every formula t is the step.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from math import cos, inf, isfinite, pi
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backprop.arrays import Array, check_count, check_interval, check_positive, check_set
from backprop.losses import Loss
from backprop.network import Network
from backprop.optimizers import Optimizer

Schedule = Callable[[int], float]
"""step → η. Raises ``ValueError`` for a negative step, ``TypeError`` for one that is no integer."""


@dataclass(frozen=True)
class Constant:
    """η(t) = η₀.

    Parameters
    ----------
    learning_rate : float
        η₀ > 0.
    """

    learning_rate: float

    def __post_init__(self) -> None:
        check_positive("Constant", "learning_rate", self.learning_rate)

    def __call__(self, step: int) -> float:
        """η₀."""
        check_count("Constant", "step", step, 0)
        return self.learning_rate


@dataclass(frozen=True)
class StepDecay:
    """η(t) = η₀ γ^⌊t / k⌋.

    Parameters
    ----------
    learning_rate : float
        η₀ > 0.
    every : int
        k ≥ 1, the steps between two reductions.
    factor : float
        0 < γ ≤ 1.
    """

    learning_rate: float
    every: int
    factor: float = 0.1

    def __post_init__(self) -> None:
        check_positive("StepDecay", "learning_rate", self.learning_rate)
        check_count("StepDecay", "every", self.every)
        _check_factor("StepDecay", self.factor)

    def __call__(self, step: int) -> float:
        """η₀ γ^⌊t / k⌋."""
        t = check_count("StepDecay", "step", step, 0)
        return self.learning_rate * self.factor ** (t // self.every)


@dataclass(frozen=True)
class Exponential:
    """η(t) = η₀ γᵗ.

    Parameters
    ----------
    learning_rate : float
        η₀ > 0.
    factor : float
        0 < γ ≤ 1.
    """

    learning_rate: float
    factor: float

    def __post_init__(self) -> None:
        check_positive("Exponential", "learning_rate", self.learning_rate)
        _check_factor("Exponential", self.factor)

    def __call__(self, step: int) -> float:
        """η₀ γᵗ."""
        t = check_count("Exponential", "step", step, 0)
        return self.learning_rate * self.factor**t


@dataclass(frozen=True)
class Cosine:
    """η(t) = η₁ + ½ (η₀ - η₁) (1 + cos(π t / T)) for t ≤ T, then η₁ (Loshchilov & Hutter, 2017).

    Parameters
    ----------
    learning_rate : float
        η₀ > 0, the rate of step 0.
    steps : int
        T ≥ 1.
    final : float
        η₁, 0 ≤ η₁ ≤ η₀.
    """

    learning_rate: float
    steps: int
    final: float = 0.0

    def __post_init__(self) -> None:
        check_positive("Cosine", "learning_rate", self.learning_rate)
        check_count("Cosine", "steps", self.steps)
        _check_final("Cosine", self.final, self.learning_rate)

    def __call__(self, step: int) -> float:
        """η₁ + ½ (η₀ - η₁) (1 + cos(π t / T))."""
        t = check_count("Cosine", "step", step, 0)
        return _cosine(self.learning_rate, self.final, min(t / self.steps, 1.0))


@dataclass(frozen=True)
class CosineWarmRestarts:
    """η(t) = η₁ + ½ (η₀ - η₁) (1 + cos(π t_i / T_i)) (SGDR: Loshchilov & Hutter, 2017).

    Period i = 0, 1, … has length T_i = k^i T₀, and t_i counts its steps from 0.

    Parameters
    ----------
    learning_rate : float
        η₀ > 0, the rate at each restart.
    period : int
        T₀ ≥ 1.
    multiplier : int
        k ≥ 1.
    final : float
        η₁, 0 ≤ η₁ ≤ η₀, which each period approaches.
    """

    learning_rate: float
    period: int
    multiplier: int = 1
    final: float = 0.0

    def __post_init__(self) -> None:
        check_positive("CosineWarmRestarts", "learning_rate", self.learning_rate)
        check_count("CosineWarmRestarts", "period", self.period)
        check_count("CosineWarmRestarts", "multiplier", self.multiplier)
        _check_final("CosineWarmRestarts", self.final, self.learning_rate)

    def __call__(self, step: int) -> float:
        """η₁ + ½ (η₀ - η₁) (1 + cos(π t_i / T_i))."""
        t = check_count("CosineWarmRestarts", "step", step, 0)
        length = self.period
        if self.multiplier == 1:
            t %= length
        # Integers: a logarithm would round at the very steps where a period begins.
        while t >= length:
            t -= length
            length *= self.multiplier
        return _cosine(self.learning_rate, self.final, t / length)


@dataclass(frozen=True)
class Warmup:
    """η(t) = s + (η(0) - s) t / T for t < T, then ``schedule`` from its step 0: η(t - T).

    Small first steps, while the activations and Adam's averages are still those of the initial
    weights (Goyal et al., 2017). With s = 0 the first step changes nothing, as in optax.

    Parameters
    ----------
    schedule : callable
        Any schedule, which follows.
    steps : int
        T ≥ 1.
    start : float
        s ≥ 0.
    """

    schedule: Schedule
    steps: int
    start: float = 0.0

    def __post_init__(self) -> None:
        if not callable(self.schedule):
            raise TypeError(
                f"Warmup: schedule is a {type(self.schedule).__name__}, expected a callable"
            )
        check_count("Warmup", "steps", self.steps)
        check_interval("Warmup", "start", self.start)

    def __call__(self, step: int) -> float:
        """s + (η(0) - s) t / T, then η(t - T)."""
        t = check_count("Warmup", "step", step, 0)
        if t >= self.steps:
            return self.schedule(t - self.steps)
        return self.start + (self.schedule(0) - self.start) * t / self.steps


@dataclass(frozen=True)
class OneCycle:
    """Up from η₀ / d to η₀ during p T steps, then down to η₀ / (d D) (Smith & Topin, 2018).

    Both ways along a half cosine, as PyTorch's ``OneCycleLR``; the summit is at t = p T - 1, the
    end at t = T - 1, and the rate stays there. The paper lowers the momentum while the rate rises;
    this schedule is about the rate alone.

    Parameters
    ----------
    learning_rate : float
        η₀ > 0, the summit.
    steps : int
        T ≥ 2, the steps of the whole run.
    rising : float
        0 < p < 1, with p T > 1.
    start_divisor, final_divisor : float
        d ≥ 1 and D ≥ 1.
    """

    learning_rate: float
    steps: int
    rising: float = 0.3
    start_divisor: float = 25.0
    final_divisor: float = 1e4

    def __post_init__(self) -> None:
        check_positive("OneCycle", "learning_rate", self.learning_rate)
        check_count("OneCycle", "steps", self.steps, 2)
        if not 1 / self.steps < self.rising < 1:
            raise ValueError(
                f"OneCycle: rising is {self.rising}, expected above 1/steps = {1 / self.steps:.3g}"
                " and below 1"
            )
        check_interval("OneCycle", "start_divisor", self.start_divisor, 1)
        check_interval("OneCycle", "final_divisor", self.final_divisor, 1)

    def __call__(self, step: int) -> float:
        """Return the rate of ``step``."""
        t = check_count("OneCycle", "step", step, 0)
        start = self.learning_rate / self.start_divisor
        summit, end = self.rising * self.steps - 1, self.steps - 1
        if t <= summit:
            return _cosine(start, self.learning_rate, t / summit)
        fraction = min((t - summit) / (end - summit), 1.0)
        return _cosine(self.learning_rate, start / self.final_divisor, fraction)


class ReduceOnPlateau:
    """η ← max(γ η, η₁) once more than ``patience`` observed losses in a row were no better.

    Better means below the best so far by more than ``threshold`` times its size. Unlike the other
    schedules it has a state: ``observe`` each epoch's loss, call it with any step.

    Parameters
    ----------
    learning_rate : float
        η > 0 at the start.
    factor : float
        0 < γ < 1.
    patience : int
        ≥ 0.
    threshold : float
        0 ≤ threshold < 1.
    minimum : float
        η₁ ≥ 0.
    """

    def __init__(
        self,
        learning_rate: float,
        *,
        factor: float = 0.1,
        patience: int = 10,
        threshold: float = 1e-4,
        minimum: float = 0.0,
    ) -> None:
        where = "ReduceOnPlateau"
        self.learning_rate = check_positive(where, "learning_rate", learning_rate)
        self.factor = check_positive(where, "factor", factor)
        if factor >= 1:
            raise ValueError(f"{where}: factor is {factor}, expected below 1")
        self.patience = check_count(where, "patience", patience, 0)
        self.threshold = check_interval(where, "threshold", threshold, 0, 1)
        self.minimum = check_interval(where, "minimum", minimum)
        if minimum > learning_rate:
            raise ValueError(f"{where}: minimum is {minimum}, above learning_rate {learning_rate}")
        self.best = inf
        self.waited = 0

    def __call__(self, step: int) -> float:
        """Return the rate now; it does not depend on ``step``."""
        check_count("ReduceOnPlateau", "step", step, 0)
        return self.learning_rate

    def observe(self, loss: float) -> None:
        """Compare with the best loss so far; reduce the rate if the patience is at its end.

        Raises
        ------
        ValueError
            If ``loss`` is NaN or infinite.
        """
        if not isfinite(loss):
            raise ValueError(f"ReduceOnPlateau: loss is {loss}, expected a finite number")
        if self.best == inf or loss < self.best - self.threshold * abs(self.best):
            self.best, self.waited = float(loss), 0
            return
        self.waited += 1
        if self.waited > self.patience:
            self.learning_rate = max(self.factor * self.learning_rate, self.minimum)
            self.waited = 0

    def state(self) -> dict[str, NDArray[Any]]:
        """Return "learning_rate", "best" and "waited", each of shape ()."""
        return {
            "learning_rate": np.array(self.learning_rate),
            "best": np.array(self.best),
            "waited": np.array(self.waited),
        }

    def load_state(self, state: Mapping[str, NDArray[Any]]) -> None:
        """Take over what :meth:`state` returned.

        Raises
        ------
        ValueError
            If an entry is missing or unknown, or a number outside its range.
        """
        where, expected = "ReduceOnPlateau.load_state", sorted(self.state())
        if sorted(state) != expected:
            raise ValueError(f"{where}: state holds {sorted(state)}, expected {expected}")
        learning_rate, best, waited = (
            np.asarray(state[name]).item() for name in ("learning_rate", "best", "waited")
        )
        if np.isnan(best):
            raise ValueError(f"{where}: best is {best}, expected a number")
        waited = check_count(where, "waited", waited, 0)
        self.learning_rate = check_interval(where, "learning_rate", learning_rate)
        self.best, self.waited = best, waited


def plateau_within(schedule: Schedule | None) -> ReduceOnPlateau | None:
    """Return the schedule that watches the loss: this one, or the one that follows its warm-up."""
    while isinstance(schedule, Warmup):
        schedule = schedule.schedule
    return schedule if isinstance(schedule, ReduceOnPlateau) else None


@dataclass(frozen=True)
class RangeTest:
    """Rates tried, in rising order, and the mini-batch loss met before the step with each."""

    rates: NDArray[np.float64]
    losses: NDArray[np.float64]
    diverged: bool
    """Whether the loss ran away before the last rate."""


def learning_rate_range_test(
    network: Network,
    loss: Loss,
    optimizer: Optimizer,
    x: Array,
    y: NDArray[np.generic],
    *,
    rng: np.random.Generator,
    batch_size: int = 32,
    start: float = 1e-5,
    stop: float = 10.0,
    steps: int = 100,
    divergence: float = 4.0,
) -> RangeTest:
    """Train while η rises from ``start`` to ``stop``, and record the losses (Smith, 2017).

    η_i = start (stop / start)^(i / (steps - 1)): evenly spaced in log η, where the paper's are
    evenly spaced in η, since the useful rates of two rules may lie decades apart. The last loss is
    that after the step with the rate before it; a good rate lies below the one where losses turn.

    ``theta``, ``dtheta``, the layers' states and the optimizer, its rate included, are afterwards
    what they were; so they are if an error ends the test.

    Parameters
    ----------
    network, loss, optimizer, x, y
        As in :func:`backprop.training.fit`; ``optimizer`` is that of ``network``.
    rng : numpy.random.Generator
        Source of the shuffles; a new one when every row was used.
    batch_size, steps : int
        At least 1 and 2.
    start, stop : float
        0 < start < stop.
    divergence : float
        Above 1; a loss that is not finite or exceeds this multiple of the least ends the test.

    Raises
    ------
    ValueError
        If lengths disagree, a number lies outside its range or ``optimizer`` has another network.
    """
    where = "learning_rate_range_test"
    if optimizer.network is not network:
        raise ValueError(f"{where}: optimizer belongs to another network")
    check_set(where, x, y)
    check_count(where, "batch_size", batch_size)
    check_count(where, "steps", steps, 2)
    check_positive(where, "start", start)
    if not check_positive(where, "stop", stop) > start:
        raise ValueError(f"{where}: stop is {stop}, expected above start = {start}")
    if not check_positive(where, "divergence", divergence) > 1:
        raise ValueError(f"{where}: divergence is {divergence}, expected above 1")
    network.check_binding(where)
    network.check_batches(where, x, batch_size)

    rates = np.geomspace(start, stop, steps)
    losses: list[float] = []
    diverged = False
    order = np.empty(0, np.intp)
    with _put_back(network, optimizer):
        network.train(True)
        for rate in rates:
            if not len(order):
                order = rng.permutation(len(x))
            batch, order = order[:batch_size], order[batch_size:]
            # Overflow is what the test looks for, not a fault.
            with np.errstate(over="ignore", invalid="ignore"):
                value = loss.forward(network.forward(x[batch]), y[batch])
                losses.append(value)
                if not value <= divergence * min(losses):
                    diverged = True
                    break
                network.backward_parameters(loss.backward())
                optimizer.learning_rate = float(rate)
                optimizer.step()
    return RangeTest(rates[: len(losses)], np.array(losses), diverged)


@contextmanager
def _put_back(network: Network, optimizer: Optimizer) -> Iterator[None]:
    """Let network and optimizer be at the end what they were, whatever happens within."""
    theta, dtheta, state = network.theta.copy(), network.dtheta.copy(), optimizer.state()
    with network.preserved():
        try:
            yield
        finally:
            network.theta[...] = theta
            network.dtheta[...] = dtheta
            optimizer.load_state(state)


def _cosine(start: float, end: float, fraction: float) -> float:
    """From ``start`` at fraction 0 to ``end`` at 1 along a half cosine."""
    return end + 0.5 * (start - end) * (1 + cos(pi * fraction))


def _check_factor(where: str, factor: float) -> None:
    if check_positive(where, "factor", factor) > 1:
        raise ValueError(f"{where}: factor is {factor}, expected at most 1")


def _check_final(where: str, final: float, learning_rate: float) -> None:
    if check_interval(where, "final", final) > learning_rate:
        raise ValueError(f"{where}: final is {final}, above learning_rate {learning_rate}")
