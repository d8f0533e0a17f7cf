"""Update rules. The minus sign of gradient descent lives here and nowhere else.

In every formula θ is ``network.theta``, g = ∂L/∂θ is ``network.dtheta``, η the learning rate; both
vectors have shape (number of parameters,), products, roots and quotients are elementwise, and t
counts the steps from 1. A step is a few passes over θ in place: what a rule remembers has θ's shape
and dtype and is made once, with the optimizer.

What a rule remembers is a sum s ← βs + x, older terms counting less: 1 - β times it is the average
in which the papers write Adam, RMSProp and Lion, s ← βs + (1 - β) x, and the factor is put in where
θ moves. So x is added as it is, one pass less for each. Every pass is NumPy's: SciPy's BLAS would
need fewer, but its threads would fight for the cores with those of NumPy's products, see
:mod:`backprop.threads`.

Weight decay comes in two kinds that agree for plain gradient descent alone:

- L2: g ← g + λθ, the gradient of L + ½λ‖θ‖². SGD, Momentum, Nesterov, AdaGrad, RMSProp, Adam.
- decoupled: θ ← (1 - ηλ) θ before the update, out of reach of its averages and divisions
  (Loshchilov & Hutter, 2019). AdamW, Lion.

Either acts on every parameter, biases included, as in PyTorch and optax; ``decayed`` restricts it
to the parameters named, and :func:`matrices` gives the usual choice.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Final, NoReturn

import numpy as np
from numpy.typing import NDArray

from backprop.arrays import Array, check_count, check_interval, check_positive, check_set
from backprop.layers.base import assign
from backprop.losses import Loss
from backprop.network import Network
from backprop.threads import largest_product, scipy_waits, sized

PIECE: Final = 4096
"""Entries whose squares are summed in their own dtype."""


class Optimizer:
    """What all rules share: the rate, the step count, weight decay and checkpoints.

    Parameters
    ----------
    network : Network
        Whose ``theta`` is updated in place. A deep copy of the optimizer has a deep copy of the
        network: ``copy.deepcopy((network, optimizer))`` gives a pair that belongs together.
    learning_rate : float
        η > 0.
    weight_decay : float
        λ ≥ 0, fixed for the optimizer's life.
    decayed : collection of str, optional
        Names from ``network.parameters`` that decay; all of them if not given.

    Attributes
    ----------
    steps : int
        Steps taken so far, kept in checkpoints: ``schedule(optimizer.steps)`` is the next rate.

    Raises
    ------
    ValueError
        If a number lies outside its range or a name is unknown.
    TypeError
        If a number is none.
    """

    decoupled: ClassVar[bool] = False

    def __init__(
        self,
        network: Network,
        learning_rate: float,
        *,
        weight_decay: float = 0.0,
        decayed: Collection[str] | None = None,
    ) -> None:
        name = type(self).__name__
        self.network = network
        self._learning_rate = check_positive(name, "learning_rate", learning_rate)
        self.weight_decay: Final = check_interval(name, "weight_decay", weight_decay)
        self.steps = 0
        self._decayed = _slices(name, network, decayed)
        self.decayed: Final = decayed and tuple(n for n in network.parameters if n in decayed)
        self._memory: dict[str, Array] = {}
        self._buffer = np.zeros_like(network.theta)
        # dtheta is the network's: the penalty's gradient is added to a copy.
        penalised = self.weight_decay > 0 and not self.decoupled
        self._sum = np.zeros_like(network.theta if penalised else network.theta[:0])

    def __copy__(self) -> NoReturn:
        raise TypeError(
            f"{type(self).__name__}: a shallow copy would share what the rule remembers,"
            " use copy.deepcopy((network, optimizer))"
        )

    @property
    def learning_rate(self) -> float:
        """η; may be set between steps, to 0 as well, where a schedule ends."""
        return self._learning_rate

    @learning_rate.setter
    def learning_rate(self, value: float) -> None:
        self._learning_rate = check_interval(type(self).__name__, "learning_rate", value)

    def step(self) -> None:
        """Apply the gradients of the last backward pass."""
        raise NotImplementedError

    def state(self) -> dict[str, NDArray[Any]]:
        """Return copies of all that the next step depends on, besides θ and the constructor's λ, β.

        Plain arrays by name, fit for ``numpy.savez``: "steps" and "learning_rate", shape (), and
        what the rule remembers, shape of θ.
        """
        scalars = {"steps": np.array(self.steps), "learning_rate": np.array(self.learning_rate)}
        return {**scalars, **{name: array.copy() for name, array in self._memory.items()}}

    def load_state(self, state: Mapping[str, NDArray[Any]]) -> None:
        """Take over what :meth:`state` returned: the next steps are the same to the last bit.

        Raises
        ------
        ValueError
            If an array is missing, unknown, or of another shape, or a number outside its range.
        TypeError
            If an array has another dtype: converted, the steps would differ.
        """
        where = f"{type(self).__name__}.load_state"
        expected = self.state()
        if set(state) != set(expected):
            raise ValueError(f"{where}: state holds {sorted(state)}, expected {sorted(expected)}")
        given = {name: np.asarray(state[name]) for name in expected}
        for name, array in expected.items():
            if given[name].shape != array.shape:
                raise ValueError(
                    f"{where}: {name} has shape {given[name].shape}, expected {array.shape}"
                )
            if given[name].dtype != array.dtype:
                raise TypeError(
                    f"{where}: {name} has dtype {given[name].dtype}, expected {array.dtype}"
                )
        steps = check_count(where, "steps", given["steps"].item(), 0)
        self.learning_rate = given["learning_rate"].item()
        self.steps = steps
        for name, array in self._memory.items():
            array[...] = given[name]

    def _remember(self, name: str) -> Array:
        self._memory[name] = np.zeros_like(self.network.theta)
        return self._memory[name]

    def _descend(self, rate: float, x: Array) -> None:
        """θ ← θ - rate · x; x may be the buffer."""
        np.multiply(x, rate, out=self._buffer)
        theta = self.network.theta
        theta -= self._buffer

    def _quotient(self, a: Array, s: Array, eps: float) -> Array:
        """Return a / (√s + ε), in the buffer."""
        root = np.sqrt(s, out=self._buffer)
        root += eps
        return np.divide(a, root, out=root)

    def _begin(self) -> Array:
        """Count the step, apply weight decay, return g."""
        theta, g = self.network.theta, self.network.dtheta
        for name, array in self._memory.items():
            # One put there by assignment would be left out of state().
            if (given := vars(self).get(name, array)) is not array:
                assign(name, array, given)
                setattr(self, name, array)
        self.steps += 1
        if self.weight_decay and self.decoupled:
            for part in self._decayed:
                theta[part] *= 1 - self.learning_rate * self.weight_decay
        elif self.weight_decay:
            self._sum.fill(0)
            for part in self._decayed:
                np.multiply(self.weight_decay, theta[part], out=self._sum[part])
            self._sum += g
            g = self._sum
        return g


class SGD(Optimizer):
    """θ ← θ - η g (Robbins & Monro, 1951).

    Parameters
    ----------
    network, learning_rate, weight_decay, decayed
        See :class:`Optimizer`.
    """

    def step(self) -> None:
        """θ ← θ - η g."""
        g = self._begin()
        self._descend(self.learning_rate, g)


class Momentum(Optimizer):
    """v ← βv + g, θ ← θ - ηv, v₀ = 0 (Polyak, 1964).

    With η constant, this is Polyak's heavy ball: θ_t+1 = θ_t - ηg + β(θ_t - θ_t-1). It is PyTorch's
    definition: η stands outside v, so that a new rate acts at once on the whole velocity. A steady
    g is followed with the step ηg / (1 - β).

    Parameters
    ----------
    beta : float
        0 ≤ β < 1.
    network, learning_rate, weight_decay, decayed
        See :class:`Optimizer`.
    """

    def __init__(
        self,
        network: Network,
        learning_rate: float,
        *,
        beta: float = 0.9,
        weight_decay: float = 0.0,
        decayed: Collection[str] | None = None,
    ) -> None:
        super().__init__(network, learning_rate, weight_decay=weight_decay, decayed=decayed)
        self.beta = check_interval(type(self).__name__, "beta", beta, 0, 1)
        self.v = self._remember("v")

    def step(self) -> None:
        """v ← βv + g, θ ← θ - ηv."""
        g = self._begin()
        _accumulate(self.v, self.beta, g)
        self._descend(self.learning_rate, self.v)


class Nesterov(Momentum):
    """v ← βv + g, θ ← θ - η(g + βv), v₀ = 0 (Nesterov, 1983).

    θ is the point looked ahead to, where Nesterov takes the gradient: with η constant,
    φ = θ + ηβv obeys Sutskever et al. (2013), u ← βu - η ∂L/∂θ(φ + βu), φ ← φ + u, u = -ηv.

    Parameters
    ----------
    beta : float
        0 ≤ β < 1.
    network, learning_rate, weight_decay, decayed
        See :class:`Optimizer`.
    """

    def step(self) -> None:
        """v ← βv + g, θ ← θ - η(g + βv)."""
        g = self._begin()
        _accumulate(self.v, self.beta, g)
        ahead = np.multiply(self.v, self.beta, out=self._buffer)
        ahead += g
        self._descend(self.learning_rate, ahead)


class AdaGrad(Optimizer):
    """s ← s + g², θ ← θ - η g / (√s + ε), s₀ = 0 (Duchi et al., 2011).

    Parameters
    ----------
    eps : float
        ε > 0, outside of the root as in PyTorch.
    network, learning_rate, weight_decay, decayed
        See :class:`Optimizer`.
    """

    def __init__(
        self,
        network: Network,
        learning_rate: float,
        *,
        eps: float = 1e-10,
        weight_decay: float = 0.0,
        decayed: Collection[str] | None = None,
    ) -> None:
        super().__init__(network, learning_rate, weight_decay=weight_decay, decayed=decayed)
        self.eps = _check_eps(self, eps)
        self.s = self._remember("s")

    def step(self) -> None:
        """s ← s + g², θ ← θ - η g / (√s + ε)."""
        g = self._begin()
        self.s += np.multiply(g, g, out=self._buffer)
        self._descend(self.learning_rate, self._quotient(g, self.s, self.eps))


class RMSProp(Optimizer):
    """s ← ρs + g², θ ← θ - η g / (√((1 - ρ) s) + ε), s₀ = 0 (Tieleman & Hinton, 2012).

    Parameters
    ----------
    rho : float
        0 ≤ ρ < 1; the lecture's 0.9 (PyTorch's default is 0.99).
    eps : float
        ε > 0, outside of the root as in PyTorch.
    network, learning_rate, weight_decay, decayed
        See :class:`Optimizer`.
    """

    def __init__(
        self,
        network: Network,
        learning_rate: float,
        *,
        rho: float = 0.9,
        eps: float = 1e-8,
        weight_decay: float = 0.0,
        decayed: Collection[str] | None = None,
    ) -> None:
        super().__init__(network, learning_rate, weight_decay=weight_decay, decayed=decayed)
        self.rho = check_interval("RMSProp", "rho", rho, 0, 1)
        self.eps = _check_eps(self, eps)
        self.s = self._remember("s")

    def step(self) -> None:
        """s ← ρs + g², θ ← θ - η g / (√((1 - ρ) s) + ε)."""
        g = self._begin()
        _accumulate(self.s, self.rho, np.multiply(g, g, out=self._buffer))
        # Both sides of the fraction over √(1 - ρ): one pass less.
        root = (1 - self.rho) ** 0.5
        self._descend(self.learning_rate / root, self._quotient(g, self.s, self.eps / root))


class Adam(Optimizer):
    """θ ← θ - η m̂ / (√v̂ + ε) (Kingma & Ba, 2015).

    m ← β₁m + g, m̂ = m (1 - β₁) / (1 - β₁ᵗ), v ← β₂v + g², v̂ = v (1 - β₂) / (1 - β₂ᵗ),
    m₀ = v₀ = 0: the sums are divided by the weights that they have gathered so far,
    1 + β + … + βᵗ⁻¹ = (1 - βᵗ) / (1 - β).

    Parameters
    ----------
    learning_rate : float
        η > 0; the paper's 0.001.
    beta1, beta2 : float
        0 ≤ β < 1.
    eps : float
        ε > 0.
    network, weight_decay, decayed
        See :class:`Optimizer`; the decay is L2, so √v̂ divides it as well.
    """

    def __init__(
        self,
        network: Network,
        learning_rate: float = 1e-3,
        *,
        beta1: float = 0.9,
        beta2: float = 0.999,
        eps: float = 1e-8,
        weight_decay: float = 0.0,
        decayed: Collection[str] | None = None,
    ) -> None:
        super().__init__(network, learning_rate, weight_decay=weight_decay, decayed=decayed)
        self.beta1 = check_interval(type(self).__name__, "beta1", beta1, 0, 1)
        self.beta2 = check_interval(type(self).__name__, "beta2", beta2, 0, 1)
        self.eps = _check_eps(self, eps)
        self.m = self._remember("m")
        self.v = self._remember("v")

    def step(self) -> None:
        """θ ← θ - η m̂ / (√v̂ + ε)."""
        g = self._begin()
        _accumulate(self.m, self.beta1, g)
        _accumulate(self.v, self.beta2, np.multiply(g, g, out=self._buffer))
        # The factors of m̂ and √v̂ join η and ε (the paper, end of section 2): two passes less.
        mean = (1 - self.beta1) / (1 - self.beta1**self.steps)
        root = ((1 - self.beta2) / (1 - self.beta2**self.steps)) ** 0.5
        rate = self.learning_rate * mean / root
        self._descend(rate, self._quotient(self.m, self.v, self.eps / root))


class AdamW(Adam):
    """θ ← (1 - ηλ) θ - η m̂ / (√v̂ + ε), m̂ and v̂ as in Adam (Loshchilov & Hutter, 2019).

    η multiplies λ, as in PyTorch and optax; in the paper only the schedule's factor does.

    Parameters
    ----------
    weight_decay : float
        λ ≥ 0; PyTorch's default.
    network, learning_rate, beta1, beta2, eps, decayed
        See :class:`Adam`.
    """

    decoupled = True

    def __init__(
        self,
        network: Network,
        learning_rate: float = 1e-3,
        *,
        beta1: float = 0.9,
        beta2: float = 0.999,
        eps: float = 1e-8,
        weight_decay: float = 1e-2,
        decayed: Collection[str] | None = None,
    ) -> None:
        super().__init__(
            network,
            learning_rate,
            beta1=beta1,
            beta2=beta2,
            eps=eps,
            weight_decay=weight_decay,
            decayed=decayed,
        )


class Lion(Optimizer):
    """θ ← (1 - ηλ) θ - η sign(c), c = β₁ (1 - β₂) m + (1 - β₁) g, m ← β₂m + g (Chen et al., 2023).

    m₀ = 0, and every parameter moves by η or not at all: take η 3 to 10 times smaller than Adam's
    and λ as many times larger, the paper says.

    Of the rules younger than AdamW this one is here, and not Muon (Jordan et al., 2024), because it
    acts on each parameter alone, whatever matrix it belongs to, like all rules above it, with half
    of Adam's memory. Muon orthogonalises each matrix, leaves biases to another rule, and its
    implementation in PyTorch computes in bfloat16: no peer could confirm ours to the last digits.

    Parameters
    ----------
    beta1, beta2 : float
        0 ≤ β < 1.
    network, learning_rate, weight_decay, decayed
        See :class:`Optimizer`; the decay is decoupled.
    """

    decoupled = True

    def __init__(
        self,
        network: Network,
        learning_rate: float,
        *,
        beta1: float = 0.9,
        beta2: float = 0.99,
        weight_decay: float = 0.0,
        decayed: Collection[str] | None = None,
    ) -> None:
        super().__init__(network, learning_rate, weight_decay=weight_decay, decayed=decayed)
        self.beta1 = check_interval("Lion", "beta1", beta1, 0, 1)
        self.beta2 = check_interval("Lion", "beta2", beta2, 0, 1)
        self.m = self._remember("m")
        self._signs = np.zeros_like(network.theta)

    def step(self) -> None:
        """θ ← θ - η sign(c), c = β₁ (1 - β₂) m + (1 - β₁) g, m ← β₂m + g."""
        g = self._begin()
        # c / (1 - β₁) has the same sign.
        c = np.multiply(self.m, self.beta1 * (1 - self.beta2) / (1 - self.beta1), out=self._buffer)
        c += g
        # NumPy takes ten times as long for signs written over their numbers.
        self._descend(self.learning_rate, np.sign(c, out=self._signs))
        _accumulate(self.m, self.beta2, g)


def matrices(network: Network) -> list[str]:
    """Names of the parameters with two axes or more: weights, but no biases and no scales."""
    return [name for name, value in network.parameters.items() if value.ndim >= 2]


def clip_value(network: Network, limit: float) -> None:
    """g ← min(max(g, -limit), limit), elementwise: the direction changes.

    ``network.dtheta`` in place, as ``torch.nn.utils.clip_grad_value_``.

    Raises
    ------
    ValueError
        If ``limit`` is not a finite number above 0.
    """
    limit = check_positive("clip_value", "limit", limit)
    np.clip(network.dtheta, -limit, limit, out=network.dtheta)


def clip_norm(network: Network, limit: float) -> float:
    """g ← g · min(1, limit / (‖g‖ + 10⁻⁶)): the direction stays (Pascanu et al., 2013).

    ``network.dtheta`` in place; ‖g‖ is the Euclidean norm over all parameters. The 10⁻⁶ is that of
    ``torch.nn.utils.clip_grad_norm_``.

    Returns
    -------
    float
        ‖g‖ before clipping.

    Raises
    ------
    ValueError
        If ``limit`` is not a finite number above 0.
    FloatingPointError
        If ‖g‖ is NaN or infinite; g is left as it is. Scaled, one NaN would reach all of θ.
    """
    limit = check_positive("clip_norm", "limit", limit)
    size = _norm(network.dtheta)
    if not math.isfinite(size):
        raise FloatingPointError(f"clip_norm: the norm of dtheta is {size}, expected a finite one")
    factor = limit / (size + 1e-6)
    if factor < 1:
        network.dtheta *= factor
    return size


@dataclass(frozen=True)
class LBFGSResult:
    """What :func:`minimize_lbfgs` found, weight decay's penalty included throughout."""

    loss: float
    """At the final θ."""
    gradient_norm: float
    """Largest |∂L/∂θ_i| at the final θ."""
    losses: list[float]
    """At the start and after each iteration."""
    evaluations: int
    """Forward and backward passes that the search took."""
    converged: bool
    """Whether a tolerance was met."""
    message: str
    """SciPy's reason for stopping."""

    @property
    def iterations(self) -> int:
        """Iterations taken."""
        return len(self.losses) - 1


def minimize_lbfgs(
    network: Network,
    loss: Loss,
    x: Array,
    y: NDArray[np.generic],
    *,
    max_iterations: int = 200,
    history: int = 10,
    gradient_tolerance: float = 1e-5,
    loss_tolerance: float = 1e-9,
    weight_decay: float = 0.0,
    decayed: Collection[str] | None = None,
) -> LBFGSResult:
    """θ ← θ - αHg, H from the last (Δθ, Δg), α by line search (Liu & Nocedal, 1989).

    Minimises L + ½λ‖θ‖² over all of ``x`` at once by ``scipy.optimize.minimize(method="L-BFGS-B")``
    and leaves the minimiser in ``network.theta``, the gradient there, without the penalty's, in
    ``network.dtheta``. SciPy computes in float64; a float32 network rounds each θ that it is asked
    about, which limits the tolerances. The network must be a function of θ and ``x`` alone: no
    dropout in training. Running averages and generators are afterwards those before.

    Parameters
    ----------
    network, loss, x, y
        As in :func:`backprop.training.fit`.
    max_iterations, history : int
        At least 1; ``history`` is the number of pairs (Δθ, Δg) kept.
    gradient_tolerance, loss_tolerance : float
        ≥ 0; stop when max |g_i| is at most the first, or an iteration lowers the loss by at most
        the second times max(|L_before|, |L_after|, 1).
    weight_decay, decayed
        λ and what it acts on, as in :class:`Optimizer`.

    Raises
    ------
    ValueError
        If lengths disagree or a number lies outside its range.
    FloatingPointError
        If the loss or its gradient is NaN or infinite; θ is then, and whatever is raised, that of
        the last iteration.
    """
    # Takes as long to import as the rest of this package, and few need it.
    from scipy.optimize import minimize

    where = "minimize_lbfgs"
    check_set(where, x, y)
    options = {
        "maxiter": check_count(where, "max_iterations", max_iterations),
        "maxcor": check_count(where, "history", history),
        "gtol": check_interval(where, "gradient_tolerance", gradient_tolerance),
        "ftol": check_interval(where, "loss_tolerance", loss_tolerance),
    }
    decay = check_interval(where, "weight_decay", weight_decay)
    parts = _slices(where, network, decayed)
    network.check_binding(where)

    def evaluate(theta: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        network.theta[...] = theta
        value = loss.forward(network.forward(x), y)
        network.backward_parameters(loss.backward())
        g = network.dtheta.astype(np.float64)
        for part in parts:
            value += 0.5 * decay * float(theta[part] @ theta[part])
            g[part] += decay * theta[part]
        if not (np.isfinite(value) and np.isfinite(g).all()):
            raise FloatingPointError(f"{where}: the loss is {value} or its gradient not finite")
        return value, g

    accepted = network.theta.astype(np.float64)
    losses: list[float] = []

    def keep(intermediate_result: Any) -> None:
        accepted[...] = intermediate_result.x
        losses.append(float(intermediate_result.fun))

    multiplications = largest_product(x, network.parameters.values())
    with network.preserved(), sized(multiplications), scipy_waits():
        try:
            losses.append(evaluate(accepted)[0])
            found = minimize(
                evaluate, accepted.copy(), jac=True, method="L-BFGS-B", callback=keep,
                options=options,
            )  # fmt: skip
        except BaseException:
            network.theta[...] = accepted
            raise
        # SciPy does not promise that the point it returns is the one it evaluated last.
        value, g = evaluate(found.x)
    return LBFGSResult(
        loss=value,
        gradient_norm=float(np.abs(g).max(initial=0)),
        losses=losses,
        evaluations=int(found.nfev),
        converged=bool(found.success),
        message=str(found.message),
    )


def _accumulate(s: Array, beta: float, x: Array) -> None:
    """s ← βs + x."""
    s *= beta
    s += x


def _norm(g: Array) -> float:
    """‖g‖, its squares summed in float64 from short pieces: the error does not grow with g.

    Where squares of g's dtype overflow or vanish, those of g over its largest entry are taken.
    """
    square, kind = _sum_of_squares(g), np.finfo(g.dtype)
    # Each square that vanishes takes less than tiny from the sum.
    if g.size * float(kind.tiny) / float(kind.eps) < square < np.inf:
        return math.sqrt(square)
    largest = float(max(g.max(initial=0), -g.min(initial=0)))
    if not 0 < largest < np.inf:
        return largest
    return largest * math.sqrt(_sum_of_squares(g / g.dtype.type(largest)))


def _sum_of_squares(g: Array) -> float:
    whole = len(g) - len(g) % PIECE
    rows, rest = g[:whole].reshape(-1, PIECE), g[whole:]
    with np.errstate(over="ignore", under="ignore"):
        return float(np.vecdot(rows, rows).sum(dtype=np.float64)) + float(rest @ rest)


def _check_eps(optimizer: Optimizer, eps: float) -> float:
    # Rounded to 0 in the network's dtype, ε would let 0 / 0 through.
    tiny = float(np.finfo(optimizer.network.dtype).tiny)
    return check_interval(type(optimizer).__name__, "eps", eps, tiny)


def _slices(where: str, network: Network, names: Collection[str] | None) -> list[slice]:
    """Where the named parameters lie in θ; all of θ for ``None``."""
    if names is None:
        return [slice(None)]
    if unknown := sorted(set(names) - set(network.parameters)):
        raise ValueError(
            f"{where}: decayed holds {unknown}, expected names from {list(network.parameters)}"
        )
    parts, start = [], 0
    for name, value in network.parameters.items():
        if name in names:
            parts.append(slice(start, start + value.size))
        start += value.size
    return parts
