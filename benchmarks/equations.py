"""Implicit derivatives and differential equations, beside PyTorch, JAX, HIPS autograd and SciPy.

float64. Two kinds of peers: those that use the same equation, and those that walk back through all
steps of the search, on our own tape or on PyTorch's. All results must agree to 1e-6 of their norm
before a time counts, which is what the steps leave. Run: ``python benchmarks/equations.py``.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import autograd
import autograd.numpy as anp
import numpy as np
from _measure import Numbers, Options, Piece, Table, jax_in_double, main, pieces_table
from scipy.integrate import solve_ivp
from scipy.optimize import fixed_point

from backprop import RNN, FixedPoint, adjoint_vjp, implicit_vjp, odeint, odeint_vjp, vjp
from backprop.book import penalties

Maker = Callable[[], Callable[[], Numbers]]
TOLERANCE = 1e-6
TAPE, TORCH = "our steps", "PyTorch, steps"
"""Columns of those who go back through the steps."""


# --- a layer at rest --------------------------------------------------------------------------


def resting(batch: int, n_in: int, n: int, norm: float) -> tuple[FixedPoint, np.ndarray]:
    """Return the layer and its input."""
    rng = np.random.default_rng(0)
    layer = FixedPoint(n_in, n, rng=rng, norm=norm)
    return layer, rng.standard_normal((batch, n_in))


def rest_alone(batch: int, n_in: int, n: int, norm: float) -> Piece:
    """Return the piece of the search alone."""
    layer, x = resting(batch, n_in, n, norm)
    W, U, b = layer.parameters.values()

    def scipys() -> Numbers:
        part = x @ W + b
        start, most = np.zeros(part.shape), layer.iterations
        h = fixed_point(
            lambda h: np.tanh(part + h @ U), start, xtol=1e-13, maxiter=most, method="iteration"
        )
        return [h]

    peers: dict[str, Maker] = {
        "PyTorch": partial(rest_in_torch, layer, x, None),
        "JAX jit": partial(rest_in_jax, layer, x, None),
        "SciPy": lambda: scipys,
    }
    name = f"resting state, {batch} × {n}, norm {norm}"
    return Piece(name, lambda: [layer.forward(x)], peers, TOLERANCE)


def rest_and_back(batch: int, n_in: int, n: int, norm: float) -> Piece:
    """Return the piece of ``FixedPoint``, forward and backward: h and the gradients of W, U, b."""
    layer, x = resting(batch, n_in, n, norm)
    dh = np.random.default_rng(1).standard_normal((batch, n))
    layer.forward(x)

    def ours() -> Numbers:
        h = layer.forward(x)
        layer.backward_parameters(dh)
        return [h, *layer.gradients.values()]

    def through_steps() -> Callable[[], Numbers]:
        rnn = RNN(n_in, n, rng=np.random.default_rng(0), return_sequence=False)
        rnn.parameters.update(layer.parameters)
        copies = np.repeat(x[:, None], layer.taken, axis=1)

        def run() -> Numbers:
            h = rnn.forward(copies)
            rnn.backward_parameters(dh)
            return [h, *rnn.gradients.values()]

        return run

    peers: dict[str, Maker] = {
        TAPE: through_steps,
        TORCH: partial(rest_steps_in_torch, layer, x, dh),
        "PyTorch": partial(rest_in_torch, layer, x, dh),
        "JAX jit": partial(rest_in_jax, layer, x, dh),
    }
    name = f"the same and back, {layer.taken} steps"
    return Piece(name, ours, peers, TOLERANCE)


def rest_steps_in_torch(layer: FixedPoint, x: np.ndarray, dh: np.ndarray) -> Callable[[], Numbers]:
    """Return PyTorch's tape through as many steps as the layer took; x W + b is computed once."""
    import torch

    parameters = [torch.tensor(p, requires_grad=True) for p in layer.parameters.values()]
    given, error = torch.from_numpy(x), torch.from_numpy(dh)

    def run() -> Numbers:
        W, U, b = parameters
        part = given @ W + b
        h = torch.zeros_like(part)
        for _ in range(layer.taken):
            h = torch.tanh(part + h @ U)
        return [h.detach(), *torch.autograd.grad(h, parameters, error)]

    return run


def rest_in_torch(layer: FixedPoint, x: np.ndarray, dh: np.ndarray | None) -> Callable[[], Numbers]:
    """Return the search without a tape, and the equation by ``torch.linalg.solve``."""
    import torch

    W, U, b = (torch.tensor(p) for p in layer.parameters.values())
    given = torch.from_numpy(x)
    error = None if dh is None else torch.from_numpy(dh)
    eye = torch.eye(len(U), dtype=U.dtype)

    @torch.no_grad()
    def run() -> Numbers:
        part = given @ W + b
        h = torch.zeros_like(part)
        for _ in range(layer.iterations):
            old, h = h, torch.tanh(part + h @ U)
            if (h - old).abs().max() <= layer.tolerance:
                break
        if error is None:
            return [h]
        slope = 1 - h * h
        dz = torch.linalg.solve(eye - U * slope[:, None, :], error) * slope
        return [h, given.T @ dz, h.T @ dz, dz.sum(0)]

    return run


def rest_in_jax(layer: FixedPoint, x: np.ndarray, dh: np.ndarray | None) -> Callable[[], Numbers]:
    """Return the same, compiled: ``lax.while_loop`` and ``linalg.solve``."""
    jax, jnp = jax_in_double()

    @jax.jit
    def run(x: Any, dh: Any, W: Any, U: Any, b: Any) -> Any:
        part = x @ W + b

        def step(state: Any) -> Any:
            h, _, k = state
            new = jnp.tanh(part + h @ U)
            return new, jnp.abs(new - h).max(), k + 1

        def goes_on(state: Any) -> Any:
            return (state[1] > layer.tolerance) & (state[2] < layer.iterations)

        h = jax.lax.while_loop(goes_on, step, (jnp.zeros_like(part), jnp.inf, 0))[0]
        if dh is None:
            return [h]
        slope = 1 - h * h
        A = jnp.eye(len(U)) - U * slope[:, None, :]
        dz = jnp.linalg.solve(A, dh[:, :, None])[:, :, 0] * slope
        return [h, x.T @ dz, h.T @ dz, dz.sum(0)]

    given = jax.tree.map(jnp.array, (x, dh, *layer.parameters.values()))
    return lambda: jax.block_until_ready(run(*given))


# --- an equation on the tape ------------------------------------------------------------------


def equation(n: int) -> Piece:
    """Return the piece of ``implicit_vjp`` for x = tanh(x A + θ): ∂L/∂θ alone, x being known."""
    rng = np.random.default_rng(0)
    A = 0.5 * np.linalg.qr(rng.standard_normal((n, n)))[0]
    theta, g = rng.standard_normal(n), rng.standard_normal(n)
    steps = 40

    def search(theta: Any, tanh: Callable[[Any], Any], A: Any, x: Any) -> Any:
        for _ in range(steps):
            x = tanh(x @ A + theta)
        return x

    x = search(theta, np.tanh, A, np.zeros(n))

    def F(x: Any, theta: Any) -> Any:
        return x - np.tanh(x @ A + theta)

    def on_tape() -> Numbers:
        return [vjp(lambda t: search(t, np.tanh, A, np.zeros(n)), theta)[1](g)]

    def by_autograd() -> Numbers:
        def F(x: Any, theta: Any) -> Any:
            return x - anp.tanh(anp.dot(x, A) + theta)

        u = np.linalg.solve(autograd.jacobian(F)(x, theta).T, g)
        return [autograd.make_vjp(F, 1)(x, theta)[0](-u)]

    def by_torch_steps() -> Callable[[], Numbers]:
        import torch

        matrix, t, error = (torch.tensor(value) for value in (A, theta, g))
        t.requires_grad_()
        zero = torch.zeros(n, dtype=t.dtype)
        return lambda: torch.autograd.grad(search(t, torch.tanh, matrix, zero), t, error)

    def by_torch() -> Callable[[], Numbers]:
        import torch

        matrix, at, t, error = (torch.tensor(value) for value in (A, x, theta, g))

        def F(x: Any, theta: Any) -> Any:
            return x - torch.tanh(x @ matrix + theta)

        def run() -> Numbers:
            u = torch.linalg.solve(torch.func.jacrev(F)(at, t).T, error)
            return torch.func.vjp(lambda t: F(at, t), t)[1](-u)

        return run

    def by_jax() -> Callable[[], Numbers]:
        jax, jnp = jax_in_double()

        @jax.jit
        def run(A: Any, x: Any, theta: Any, g: Any) -> Any:
            def F(x: Any, theta: Any) -> Any:
                return x - jnp.tanh(x @ A + theta)

            u = jnp.linalg.solve(jax.jacrev(F)(x, theta).T, g)
            return jax.vjp(lambda t: F(x, t), theta)[1](-u)

        given = [jnp.array(value) for value in (A, x, theta, g)]
        return lambda: jax.block_until_ready(run(*given))

    peers: dict[str, Maker] = {
        TAPE: lambda: on_tape, TORCH: by_torch_steps, "PyTorch": by_torch, "JAX jit": by_jax,
        "autograd": lambda: by_autograd,
    }  # fmt: skip
    name = f"x = tanh(x A + θ), {n} unknowns, {steps} steps"
    return Piece(name, lambda: [implicit_vjp(F, x, theta, g)], peers, TOLERANCE)


# --- penalties --------------------------------------------------------------------------------


def ridge(noise: int, by_hand: bool) -> Piece:
    """Return the piece of the hypergradient of ridge regression: the fit and ∂L/∂s.

    backprop is the chapter's formula in NumPy, or ``implicit_vjp`` of the equation for the weights.
    The steps are those of gradient descent, at two over the sum of the extreme curvatures.
    """
    parts = penalties.diabetes(0, noise=noise)
    (X, y), (X_valid, y_valid) = train, valid = parts.train, parts.valid
    n, N = X.shape[1], len(X)
    s = np.full(n, -3.0)
    XX, Xy = X.T @ X / N, X.T @ y / N
    bends = np.linalg.eigvalsh(penalties.curvature(s, X))
    rate = 2 / (bends[0] + bends[-1])
    # From w = 0 the distance shrinks to 1e-8 of what it was.
    steps = int(np.ceil(np.log(1e-8) / np.log(1 - rate * bends[0])))

    def formula() -> Numbers:
        return [penalties.hypergradient(s, train, valid)]

    def F(w: Any, s: Any) -> Any:
        return w @ XX - Xy + np.exp(s) * w

    def implicit() -> Numbers:
        w = penalties.fitted(s, train)
        return [implicit_vjp(F, w, s, X_valid.T @ (X_valid @ w - y_valid) / len(y_valid))]

    def descent(s: Any, w: Any, exp: Callable[[Any], Any], XX: Any, Xy: Any) -> Any:
        alpha = exp(s)
        for _ in range(steps):
            w = w - rate * (w @ XX - Xy + alpha * w)
        return w

    def on_tape() -> Numbers:
        w, pull = vjp(lambda s: descent(s, np.zeros(n), np.exp, XX, Xy), s)
        return [pull(X_valid.T @ (X_valid @ w - y_valid) / len(y_valid))]

    def by_torch(through: bool) -> Callable[[], Numbers]:
        import torch

        given = [torch.tensor(value) for value in (s, X, y, X_valid, y_valid, XX, Xy)]
        given[0].requires_grad_()

        def run() -> Numbers:
            s, X, y, X_valid, y_valid, XX, Xy = given
            if through:
                w = descent(s, torch.zeros_like(s), torch.exp, XX, Xy)
            else:
                w = torch.linalg.solve(X.T @ X / N + torch.diag(s.exp()), X.T @ y / N)
            return torch.autograd.grad(((X_valid @ w - y_valid) ** 2).mean() / 2, s)

        return run

    def error(s: Any, X: Any, y: Any, X_valid: Any, y_valid: Any, lib: Any) -> Any:
        w = lib.linalg.solve(lib.dot(X.T, X) / N + lib.diag(lib.exp(s)), lib.dot(X.T, y) / N)
        return lib.mean((lib.dot(X_valid, w) - y_valid) ** 2) / 2

    def by_jax() -> Callable[[], Numbers]:
        jax, jnp = jax_in_double()
        run = jax.jit(jax.grad(partial(error, lib=jnp)))
        given = [jnp.array(value) for value in (s, X, y, X_valid, y_valid)]
        return lambda: [jax.block_until_ready(run(*given))]

    by_autograd = autograd.grad(partial(error, lib=anp))
    peers: dict[str, Maker] = {
        TAPE: lambda: on_tape, TORCH: partial(by_torch, True), "PyTorch": partial(by_torch, False),
        "JAX jit": by_jax, "autograd": lambda: lambda: [by_autograd(s, X, y, X_valid, y_valid)],
    }  # fmt: skip
    if not by_hand:
        peers = {name: peers[name] for name in (TAPE, "autograd", "PyTorch", "JAX jit")}
        return Piece(f"the same by implicit_vjp, {n} penalties", implicit, peers, TOLERANCE)
    return Piece(f"hypergradient, {n} penalties, {steps} steps", formula, peers, TOLERANCE)


# --- a differential equation ------------------------------------------------------------------


def flow(batch: int, n: int, steps: int, adjoint: bool) -> Piece:
    """Return the piece of dx/dt = tanh(x θ) from 0 to 1 by Runge and Kutta: x(1), ∂L/∂x0, ∂L/∂θ.

    backprop is ``odeint_vjp``, or ``adjoint_vjp`` from x(1) alone.
    """
    rng = np.random.default_rng(0)
    theta = rng.standard_normal((n, n)) / np.sqrt(n)
    x0, g = rng.standard_normal((batch, n)), rng.standard_normal((batch, n))
    h = 1 / steps

    def f(x: Any, theta: Any) -> Any:
        return np.tanh(x @ theta)

    def ours() -> Numbers:
        path = odeint(f, x0, theta, 1.0, steps=steps)
        if adjoint:
            return [path[-1], *adjoint_vjp(f, path[-1], theta, 1.0, g, steps=steps)]
        return [path[-1], *odeint_vjp(f, path, theta, 1.0, g)]

    def on_tape() -> Numbers:
        x, pull = vjp(lambda x, t: runge_kutta(lambda x: f(x, t), x, h, steps), x0, theta)
        return [x, *pull(g)]

    def by_autograd() -> Numbers:
        def end(both: Any) -> Any:
            x, t = both
            return runge_kutta(lambda x: anp.tanh(anp.dot(x, t)), x, h, steps)

        pull, x = autograd.make_vjp(end)((x0, theta))
        return [x, *pull(g)]

    def by_jax() -> Callable[[], Numbers]:
        jax, jnp = jax_in_double()

        def slopes_back(y: Any, theta: Any) -> Any:
            dx, pull = jax.vjp(lambda x, t: jnp.tanh(x @ t), y[0], theta)
            df_dx, df_dtheta = pull(y[1])
            return dx, -df_dx, -df_dtheta

        def scanned(slopes: Any, y: Any, h: float) -> Any:
            def one(y: Any, _: Any) -> Any:
                return rk4_of_trees(slopes, y, h, jax.tree.map), None

            return jax.lax.scan(one, y, length=steps)[0]

        @jax.jit
        def run(x0: Any, theta: Any, g: Any) -> Any:
            def end(x0: Any, theta: Any) -> Any:
                return scanned(lambda x: jnp.tanh(x @ theta), x0, h)

            if not adjoint:
                x, pull = jax.vjp(end, x0, theta)
                return [x, *pull(g)]
            x = end(x0, theta)
            last = (x, g, jnp.zeros_like(theta))
            return [x, *scanned(lambda y: slopes_back(y, theta), last, -h)[1:]]

        given = [jnp.array(value) for value in (x0, theta, g)]
        return lambda: jax.block_until_ready(run(*given))

    peers: dict[str, Maker] = {
        TAPE: lambda: on_tape, TORCH: partial(flow_steps_in_torch, x0, theta, g, steps),
    }  # fmt: skip
    if adjoint:
        peers["PyTorch"] = partial(flow_back_in_torch, x0, theta, g, steps)
    peers["JAX jit"] = by_jax
    if not adjoint:
        peers["autograd"] = lambda: by_autograd
        return Piece(
            f"back through {steps} steps of Runge and Kutta, {batch} × {n}", ours, peers, TOLERANCE
        )
    peers["SciPy"] = lambda: partial(flow_in_scipy, x0, theta, g)
    return Piece("the same by the adjoint equation", ours, peers, TOLERANCE)


def runge_kutta(f: Callable[[Any], Any], x: Any, h: float, steps: int) -> Any:
    """Return x after all steps, for what knows plain arithmetic."""
    for _ in range(steps):
        k1 = f(x)
        k2 = f(x + h / 2 * k1)
        k3 = f(x + h / 2 * k2)
        k4 = f(x + h * k3)
        x = x + h / 6 * (k1 + 2 * k2 + 2 * k3 + k4)
    return x


def rk4_of_trees(f: Callable[[Any], Any], y: Any, h: float, over: Callable[..., Any]) -> Any:
    """Return one step for several arrays that move together; ``over`` maps over them."""

    def moved(h: float, k: Any) -> Any:
        return over(lambda a, b: a + h * b, y, k)

    k1 = f(y)
    k2 = f(moved(h / 2, k1))
    k3 = f(moved(h / 2, k2))
    k4 = f(moved(h, k3))
    return over(lambda a, p, q, r, s: a + h / 6 * (p + 2 * q + 2 * r + s), y, k1, k2, k3, k4)


def flow_steps_in_torch(
    x0: np.ndarray, theta: np.ndarray, g: np.ndarray, steps: int
) -> Callable[[], Numbers]:
    """Return PyTorch's tape through all steps."""
    import torch

    start, t, error = (torch.tensor(value) for value in (x0, theta, g))
    both = [start.requires_grad_(), t.requires_grad_()]

    def run() -> Numbers:
        x = runge_kutta(lambda x: torch.tanh(x @ t), start, 1 / steps, steps)
        return [x.detach(), *torch.autograd.grad(x, both, error)]

    return run


def flow_back_in_torch(
    x0: np.ndarray, theta: np.ndarray, g: np.ndarray, steps: int
) -> Callable[[], Numbers]:
    """Return the adjoint equation, with PyTorch's tape for a slope at a time."""
    import torch

    start, t, error = (torch.tensor(value) for value in (x0, theta, g))
    with_tape = t.clone().requires_grad_()

    def slopes(y: Any) -> Any:
        x = y[0].detach().requires_grad_()
        with torch.enable_grad():
            dx = torch.tanh(x @ with_tape)
        df_dx, df_dtheta = torch.autograd.grad(dx, [x, with_tape], y[1])
        return [dx.detach(), -df_dx, -df_dtheta]

    def over(function: Callable[..., Any], *lists: Any) -> Any:
        return [function(*items) for items in zip(*lists, strict=True)]

    @torch.no_grad()
    def run() -> Numbers:
        x = runge_kutta(lambda x: torch.tanh(x @ t), start, 1 / steps, steps)
        y = [x, error, torch.zeros_like(t)]
        for _ in range(steps):
            y = rk4_of_trees(slopes, y, -1 / steps, over)
        return [x, *y[1:]]

    return run


def flow_in_scipy(x0: np.ndarray, theta: np.ndarray, g: np.ndarray) -> Numbers:
    """Solve both equations by ``solve_ivp``, whose steps find their own length; slopes by hand."""
    size, near = x0.size, {"method": "DOP853", "rtol": 1e-9, "atol": 1e-9}

    def f(_: float, x: np.ndarray) -> np.ndarray:
        return np.tanh(x.reshape(x0.shape) @ theta).ravel()

    def back(_: float, y: np.ndarray) -> np.ndarray:
        x, adjoint = y[:size].reshape(x0.shape), y[size : 2 * size].reshape(x0.shape)
        a = np.tanh(x @ theta)
        dz = adjoint * (1 - a * a)
        return np.concatenate([a.ravel(), -(dz @ theta.T).ravel(), -(x.T @ dz).ravel()])

    x = solve_ivp(f, (0, 1), x0.ravel(), **near).y[:, -1]
    last = np.concatenate([x, g.ravel(), np.zeros(theta.size)])
    y = solve_ivp(back, (1, 0), last, **near).y[:, -1]
    found = x, y[size : 2 * size], y[2 * size :]
    return [a.reshape(of.shape) for a, of in zip(found, (x0, x0, theta), strict=True)]


def pieces(options: Options) -> list[Piece]:
    """Return all pieces."""
    if options.quick:
        rest, unknowns, noise, solved = (4, 3, 5, 0.5), 6, 0, (3, 4, 20)
    else:
        rest, unknowns, noise, solved = (64, 8, 32, 0.9), 64, 30, (32, 16, 50)
    return [
        rest_alone(*rest), rest_and_back(*rest), equation(unknowns),
        ridge(noise, True), ridge(noise, False), flow(*solved, False), flow(*solved, True),
    ]  # fmt: skip


def measure(options: Options) -> list[Table]:
    """Return the one table."""
    text = (
        f'float64. "{TAPE}" and "{TORCH}" go back through all steps of the search, the first by the'
        " recurrent layer or our tape; the other columns use the equation as backprop does, and"
        " SciPy finds its own steps."
    )
    title = "Implicit derivatives and differential equations"
    return [pieces_table(title, text, pieces(options), options, 3 if options.quick else 20)]


if __name__ == "__main__":
    main(__doc__, measure)
