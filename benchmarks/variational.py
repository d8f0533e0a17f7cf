"""The parts of a variational autoencoder, beside torch.distributions, JAX and HIPS autograd.

float64, as the chapter computes; forward and backward. Every library draws its own noise. It is
found again from the draw, a = μ + τ ξ, and must look standard normal; given that noise, backprop
must return the same numbers to 1e-9 of their norm before a time counts.
Run: ``python benchmarks/variational.py``.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import autograd
import autograd.numpy as anp
import numpy as np
from _measure import Numbers, Options, Piece, Table, jax_in_double, main, pieces_table

from backprop.book.latent import BATCH, HIDDEN, PIXELS, NegativeBound, autoencoder
from backprop.layers import GaussianSample
from backprop.losses import GaussianKL

Maker = Callable[[], Callable[[], Numbers]]


def codes(batch: int, d: int) -> np.ndarray:
    """Return μ and ln v side by side."""
    rng = np.random.default_rng(0)
    return np.hstack([rng.standard_normal((batch, d)), rng.uniform(-2, 1, (batch, d))])


def noise_of(draw: np.ndarray, code: np.ndarray) -> np.ndarray:
    """Return ξ = (a - μ) / τ, after seeing that its mean and variance are those of a normal's."""
    mean, log_variance = np.split(code, 2, axis=1)
    noise: np.ndarray = (draw - mean) / np.exp(0.5 * log_variance)
    # Five standard errors; those of a variance are √2 times as large.
    allowed = 5 / np.sqrt(noise.size)
    off = abs(noise.mean()), abs(noise.var() - 1) / np.sqrt(2)
    if not max(off) < allowed:
        raise AssertionError(f"the draws are no standard normal's: off by {max(off):.2g}")
    return noise


# --- the draw ---------------------------------------------------------------------------------


def draw(batch: int, d: int) -> Piece:
    """Return the piece of ``GaussianSample``: a, and ∂L/∂(μ, ln v) given ∂L/∂a."""
    x, da = codes(batch, d), np.random.default_rng(1).standard_normal((batch, d))
    layer = GaussianSample(rng=np.random.default_rng(2))
    layer.reuse_buffers(True)

    def ours() -> Numbers:
        return [layer.forward(x), layer.backward(da)]

    def given(theirs: list[np.ndarray]) -> Numbers:
        layer.noise, layer.held = noise_of(theirs[0], x), True
        found = ours()
        layer.noise, layer.held = None, False
        return found

    peers: dict[str, Maker] = {
        "PyTorch": partial(draw_in_torch, x, da), "JAX jit": partial(draw_in_jax, x, da),
        "autograd": partial(draw_in_autograd, x, da),
    }  # fmt: skip
    return Piece(f"a draw, {batch:,} × {d}", ours, peers, 1e-9, given)


def draw_in_torch(x: np.ndarray, da: np.ndarray) -> Callable[[], Numbers]:
    """Draw by ``torch.distributions.Normal.rsample``."""
    import torch

    code, error = torch.from_numpy(x).requires_grad_(), torch.from_numpy(da)

    def run() -> Numbers:
        mean, log_variance = code.chunk(2, 1)
        a = torch.distributions.Normal(mean, (0.5 * log_variance).exp()).rsample()
        return [a.detach(), *torch.autograd.grad(a, code, error)]

    return run


def draw_in_jax(x: np.ndarray, da: np.ndarray) -> Callable[[], Numbers]:
    """Draw by ``jax.random.normal``, compiled."""
    jax, jnp = jax_in_double()

    @jax.jit
    def both(key: Any, x: Any, da: Any) -> Any:
        key, part = jax.random.split(key)

        def drawn(x: Any) -> Any:
            mean, log_variance = jnp.split(x, 2, axis=1)
            return mean + jnp.exp(0.5 * log_variance) * jax.random.normal(part, mean.shape, x.dtype)

        a, pull = jax.vjp(drawn, x)
        return key, a, *pull(da)

    key, code, error = jax.random.key(0), jnp.array(x), jnp.array(da)

    def run() -> Numbers:
        nonlocal key
        key, *found = jax.block_until_ready(both(key, code, error))
        return found

    return run


def draw_in_autograd(x: np.ndarray, da: np.ndarray) -> Callable[[], Numbers]:
    """Draw by NumPy, and differentiate by HIPS autograd."""
    rng, d = np.random.default_rng(3), x.shape[1] // 2

    def run() -> Numbers:
        noise = rng.standard_normal(da.shape)
        pull, a = autograd.make_vjp(lambda x: x[:, :d] + anp.exp(0.5 * x[:, d:]) * noise)(x)
        return [a, pull(da)]

    return run


# --- divergence and bound ---------------------------------------------------------------------


def divergence(batch: int, d: int) -> Piece:
    """Return the piece of ``GaussianKL`` from a standard normal: L and its gradient."""
    x = codes(batch, d)
    return loss_piece(f"divergence, {batch:,} × {d}", GaussianKL(), x, np.zeros_like(x), 0)


def bound(batch: int, pixels: int, d: int) -> Piece:
    """Return the piece of the negative bound: L and its gradient by logits, μ and ln v."""
    rng = np.random.default_rng(1)
    z = np.hstack([rng.standard_normal((batch, pixels)), codes(batch, d)])
    images = rng.integers(0, 2, (batch, pixels)).astype(float)
    name = f"the bound, {batch:,} × ({pixels} + 2 · {d})"
    return loss_piece(name, NegativeBound(), z, images, pixels)


def loss_piece(
    name: str, loss: GaussianKL | NegativeBound, z: np.ndarray, y: np.ndarray, pixels: int
) -> Piece:
    """Return a piece of a loss, whose first columns are the logits of so many pixels."""
    loss.reuse = True

    def ours() -> Numbers:
        return [loss.forward(z, y), loss.backward()]

    images = y[:, :pixels]
    peers: dict[str, Maker] = {
        "PyTorch": partial(loss_in_torch, z, images), "JAX jit": partial(loss_in_jax, z, images),
        "autograd": partial(loss_in_autograd, z, images),
    }  # fmt: skip
    return Piece(name, ours, peers, 1e-9)


def bound_in_torch(z: Any, images: Any) -> Any:
    """Return the loss by ``Bernoulli.log_prob`` and ``kl_divergence``."""
    import torch
    from torch.distributions import Bernoulli, Normal, kl_divergence

    logits, mean, log_variance = parts(z, images.shape[1])
    total = kl_divergence(
        Normal(mean, (0.5 * log_variance).exp()),
        Normal(torch.zeros_like(mean), torch.ones_like(mean)),
    ).sum()
    if images.shape[1]:
        total = total - Bernoulli(logits=logits).log_prob(images).sum()
    return total / len(z)


def bound_by_formula(z: Any, images: Any, lib: Any) -> Any:
    """Return the loss in the functions of a module that has NumPy's names."""
    logits, mean, log_variance = parts(z, images.shape[1])
    total = 0.5 * lib.sum(mean**2 + lib.exp(log_variance) - 1 - log_variance)
    if images.shape[1]:
        total = total + lib.sum(lib.logaddexp(0.0, logits) - images * logits)
    return total / len(z)


def parts(z: Any, pixels: int) -> tuple[Any, Any, Any]:
    """Return logits, μ and ln v."""
    middle = (pixels + z.shape[1]) // 2
    return z[:, :pixels], z[:, pixels:middle], z[:, middle:]


def loss_in_torch(z: np.ndarray, images: np.ndarray) -> Callable[[], Numbers]:
    """Return the loss by ``torch.distributions``, and its gradient."""
    import torch

    given, target = torch.from_numpy(z).requires_grad_(), torch.from_numpy(images)

    def run() -> Numbers:
        L = bound_in_torch(given, target)
        return [L.detach(), *torch.autograd.grad(L, given)]

    return run


def loss_in_jax(z: np.ndarray, images: np.ndarray) -> Callable[[], Numbers]:
    """Return the formula and its gradient, compiled."""
    jax, jnp = jax_in_double()
    both = jax.jit(jax.value_and_grad(partial(bound_by_formula, lib=jnp)))
    given = jnp.array(z), jnp.array(images)
    return lambda: jax.block_until_ready(both(*given))


def loss_in_autograd(z: np.ndarray, images: np.ndarray) -> Callable[[], Numbers]:
    """Return the formula and its gradient by HIPS autograd."""
    both = autograd.value_and_grad(partial(bound_by_formula, lib=anp))
    return lambda: both(z, images)


# --- the whole --------------------------------------------------------------------------------


def whole(batch: int, d: int) -> Piece:
    """Return the piece of a gradient of the chapter's autoencoder: the draw, L and ∂L/∂θ."""
    network = autoencoder(d, np.random.default_rng(0))
    network.reuse_buffers(True)
    loss, sample = NegativeBound(), network.named["draw"]
    loss.reuse = True
    assert isinstance(sample, GaussianSample)
    x = np.random.default_rng(1).integers(0, 2, (batch, PIXELS)).astype(float)

    def ours() -> Numbers:
        out = network.forward(x)
        L = loss.forward(out, x)
        network.backward_parameters(loss.backward())
        return [out[:, PIXELS:], L, *network.gradients.values()]

    def given(theirs: list[np.ndarray]) -> Numbers:
        code = network.named["encoder"].forward(x)
        sample.noise, sample.held = noise_of(theirs[0], code), True
        found = [sample.forward(code), *ours()[1:]]
        sample.noise, sample.held = None, False
        return found

    start = [np.array(value) for value in network.parameters.values()]
    peers: dict[str, Maker] = {
        "PyTorch": partial(whole_in_torch, start, x), "JAX jit": partial(whole_in_jax, start, x),
        "autograd": partial(whole_in_autograd, start, x),
    }  # fmt: skip
    name = f"gradient of {PIXELS}-{HIDDEN}-{d}-{HIDDEN}-{PIXELS}, batch {batch}"
    return Piece(name, ours, peers, 1e-9, given)


def whole_in_torch(start: list[np.ndarray], x: np.ndarray) -> Callable[[], Numbers]:
    """Return the draw, L and all gradients of ``torch.nn.Linear`` and ``torch.distributions``."""
    import torch

    nn = torch.nn
    weights = start[::2]
    layers = [nn.Linear(*W.shape, dtype=torch.float64) for W in weights]
    parameters = [p for layer in layers for p in (layer.weight, layer.bias)]
    with torch.no_grad():
        for p, value in zip(parameters, start, strict=True):
            p.copy_(torch.from_numpy(np.ascontiguousarray(value.T)))
    encoder = nn.Sequential(layers[0], nn.ReLU(), layers[1])
    decoder = nn.Sequential(layers[2], nn.ReLU(), layers[3])
    images = torch.from_numpy(x)

    def run() -> Numbers:
        code = encoder(images)
        mean, log_variance = code.chunk(2, 1)
        a = torch.distributions.Normal(mean, (0.5 * log_variance).exp()).rsample()
        L = bound_in_torch(torch.cat([decoder(a), code], 1), images)
        gradients = torch.autograd.grad(L, parameters)
        return [a.detach(), L.detach(), *(g.T if g.ndim == 2 else g for g in gradients)]

    return run


def autoencoded(parameters: Any, x: Any, noise: Any, lib: Any) -> tuple[Any, Any]:
    """Return the draw and L, in the functions of a module that has NumPy's names."""
    W1, b1, W2, b2, W3, b3, W4, b4 = parameters
    code = lib.maximum(x @ W1 + b1, 0) @ W2 + b2
    _, mean, log_variance = parts(code, 0)
    a = mean + lib.exp(0.5 * log_variance) * noise
    logits = lib.maximum(a @ W3 + b3, 0) @ W4 + b4
    return a, bound_by_formula(lib.concatenate([logits, code], 1), x, lib)


def whole_in_jax(start: list[np.ndarray], x: np.ndarray) -> Callable[[], Numbers]:
    """Return the draw, L and all gradients, compiled."""
    jax, jnp = jax_in_double()
    shape = len(x), start[4].shape[0]

    @jax.jit
    def both(key: Any, parameters: Any, x: Any) -> Any:
        key, part = jax.random.split(key)

        def loss(parameters: Any) -> tuple[Any, Any]:
            noise = jax.random.normal(part, shape, x.dtype)
            return autoencoded(parameters, x, noise, jnp)[::-1]

        (L, a), gradients = jax.value_and_grad(loss, has_aux=True)(parameters)
        return key, a, L, *gradients

    key, parameters, images = jax.random.key(0), [jnp.array(p) for p in start], jnp.array(x)

    def run() -> Numbers:
        nonlocal key
        key, *found = jax.block_until_ready(both(key, parameters, images))
        return found

    return run


def whole_in_autograd(start: list[np.ndarray], x: np.ndarray) -> Callable[[], Numbers]:
    """Return the draw, L and all gradients by HIPS autograd."""
    rng, shape, drawn = np.random.default_rng(3), (len(x), start[4].shape[0]), []

    def loss(parameters: Any, noise: np.ndarray) -> Any:
        a, L = autoencoded(parameters, x, noise, anp)
        drawn[:] = [a]
        return L

    both = autograd.value_and_grad(loss)

    def run() -> Numbers:
        L, gradients = both(start, rng.standard_normal(shape))
        return [drawn[0]._value, L, *gradients]

    return run


def pieces(options: Options) -> list[Piece]:
    """Return all pieces; the small sizes are the chapter's."""
    if options.quick:
        return [draw(40, 3), divergence(40, 3), bound(10, 12, 3), whole(20, 2)]
    return [
        draw(BATCH, 2), draw(4_096, 64), divergence(BATCH, 2), divergence(4_096, 64),
        bound(BATCH, PIXELS, 2), bound(1_024, 784, 64), whole(BATCH, 2),
    ]  # fmt: skip


def measure(options: Options) -> list[Table]:
    """Return the one table."""
    text = (
        "float64, forward and backward, each with its own noise, drawn anew. PyTorch draws by"
        " ``rsample`` and has its losses from ``torch.distributions``; JAX and autograd are given"
        " the formulas."
    )
    title = "Parts of a variational autoencoder"
    return [pieces_table(title, text, pieces(options), options, 3 if options.quick else 40)]


if __name__ == "__main__":
    main(__doc__, measure)
