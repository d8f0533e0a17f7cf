"""Attention: every token reads from all others, in proportion to how well they match."""

from __future__ import annotations

import numpy as np
from numpy.typing import DTypeLike, NDArray

from backprop.arrays import Array, check_array, check_count, check_dtype, check_ndarray
from backprop.initializers import Initializer, glorot
from backprop.layers.base import Layer
from backprop.layers.masks import Mask, check_mask


def dot_product_attention(
    q: Array, k: Array, v: Array, allowed: NDArray[np.bool_] | None = None
) -> tuple[Array, Array]:
    """Return y = p v and the weights p = softmax(q kᵀ / √d) (Vaswani et al., 2017).

    Parameters
    ----------
    q : array, shape (…, n, d)
        Queries; each axis before the last two is a batch.
    k : array, shape (…, m, d)
        Keys.
    v : array, shape (…, m, d_v)
        Values.
    allowed : bool array that broadcasts to (…, n, m), optional
        False where a query must not see a key: its weight is exactly 0. A query that may see no
        key at all gets p = 0 and y = 0.

    Returns
    -------
    y : array, shape (…, n, d_v)
    p : array, shape (…, n, m)
        Each row sums to 1, or to 0 where nothing is allowed.

    Raises
    ------
    TypeError, ValueError
        If an argument is no floating array, ``allowed`` is not bool, or the shapes do not fit.
    """
    _check_fit("dot_product_attention", q, k, v)
    shape = (*q.shape[:-1], k.shape[-2])
    kind = np.result_type(q, k)
    bias = None
    if allowed is not None:
        bias = _bias(~_check_allowed("dot_product_attention", allowed, shape), kind)
    p = _weights(q, k, bias, np.empty(shape, kind))
    return p @ v, p


def dot_product_attention_vjp(
    q: Array, k: Array, v: Array, p: Array, dy: Array
) -> tuple[Array, Array, Array]:
    """Return ∂L/∂q, ∂L/∂k, ∂L/∂v, given dy = ∂L/∂y and the weights p of the forward pass.

    | dv = pᵀ dy,  dp = dy vᵀ
    | ds = p ⊙ (dp - Σ_j p_j dp_j), where s = q kᵀ / √d
    | dq = ds k / √d,  dk = dsᵀ q / √d

    Forbidden pairs need no mask here: their p is 0, and so is their ds.
    """
    _check_fit("dot_product_attention_vjp", q, k, v)
    check_array("dot_product_attention_vjp", "p", p, (*q.shape[:-1], k.shape[-2]))
    check_array("dot_product_attention_vjp", "dy", dy, (*q.shape[:-1], v.shape[-1]))
    kind = np.result_type(p, dy)
    dq, dk, dv = (np.empty(of.shape, kind) for of in (q, k, v))
    _errors(q, k, v, p, dy, np.empty(p.shape, kind), dq, dk, dv)
    return dq, dk, dv


def blockwise_attention(
    q: Array,
    k: Array,
    v: Array,
    allowed: NDArray[np.bool_] | None = None,
    *,
    causal: bool = False,
    block: int = 64,
) -> tuple[Array, Array]:
    """Return y = softmax(q kᵀ / √d) v without holding all scores at once (Dao et al., 2022).

    It walks along the keys in blocks. Of each query it keeps the largest score t so far, the sum
    c = Σ_j exp(s_j - t) and the vector o = Σ_j exp(s_j - t) v_j. A block with a larger score
    makes t larger, and multiplies c and o by exp(t_old - t_new) (Milakov & Gimelshein, 2018).
    At the end y = o / c.

    Parameters
    ----------
    q, k, v, allowed
        As in :func:`dot_product_attention`.
    causal : bool
        Whether query i may see the keys 0 … i alone; the mask is made block by block.
    block : int
        Keys at once, at least 1. Scores take n · block numbers at a time.

    Returns
    -------
    y : array, shape (…, n, d_v)
    log_sum : array, shape (…, n)
        log Σ_j exp(s_j) over the keys that a query may see, -∞ if there are none. From it
        :func:`blockwise_attention_vjp` finds the weights again.

    Raises
    ------
    TypeError, ValueError
        As in :func:`dot_product_attention`, or if ``block`` is no integer or below 1.
    """
    where = "blockwise_attention"
    shape = _check_blocks(where, q, k, v, allowed, block)
    kind = np.result_type(q, k, v)
    top = np.full((*shape[:-1], 1), -np.inf, np.empty(0, kind).real.dtype)
    total, o = np.zeros(top.shape, kind), np.zeros((*q.shape[:-1], v.shape[-1]), kind)
    for keys in _blocks(shape[-1], block):
        s = _scores(q, k, allowed, causal, keys, shape)
        old, top = top, np.maximum(top, s.real.max(axis=-1, keepdims=True))
        safe = _finite(top)
        e = np.exp(s - safe)
        # Before the first key that is seen, exp(-∞) = 0 multiplies sums that are 0.
        shrink = np.exp(old - safe)
        total = total * shrink + e.sum(axis=-1, keepdims=True)
        o = o * shrink + e @ v[..., keys, :]
    seen = top > -np.inf
    total[~seen] = 1
    log_sum = np.where(seen, _finite(top) + np.log(total), -np.inf)
    return o / total, log_sum[..., 0]


def blockwise_attention_vjp(
    q: Array,
    k: Array,
    v: Array,
    y: Array,
    log_sum: Array,
    dy: Array,
    allowed: NDArray[np.bool_] | None = None,
    *,
    causal: bool = False,
    block: int = 64,
) -> tuple[Array, Array, Array]:
    """Return ∂L/∂q, ∂L/∂k, ∂L/∂v from what :func:`blockwise_attention` returned.

    The weights are computed a second time, block by block:

    | p = exp(s - log_sum), where s = q kᵀ / √d
    | dv = pᵀ dy,  ds = p ⊙ (dy vᵀ - Σ_c dy_c y_c)
    | dq = Σ_blocks ds k / √d,  dk = dsᵀ q / √d

    since Σ_j p_j dp_j = Σ_j p_j dy v_jᵀ = dy yᵀ, which needs no weights.
    """
    where = "blockwise_attention_vjp"
    shape = _check_blocks(where, q, k, v, allowed, block)
    for name, value in (("y", y), ("dy", dy)):
        check_array(where, name, value, (*q.shape[:-1], v.shape[-1]))
    check_array(where, "log_sum", log_sum, q.shape[:-1])
    kind = np.result_type(q, k, v, dy)
    dq, dk, dv = (np.zeros(of.shape, kind) for of in (q, k, v))
    mean = np.einsum("...c,...c->...", dy, y)[..., None]
    scale = float(1 / np.sqrt(q.shape[-1]))
    for keys in _blocks(shape[-1], block):
        p = np.exp(_scores(q, k, allowed, causal, keys, shape) - _finite(log_sum[..., None]))
        dv[..., keys, :] = p.swapaxes(-1, -2) @ dy
        dp = dy @ v[..., keys, :].swapaxes(-1, -2)
        ds = p * (dp - mean) * scale
        dq += ds @ k[..., keys, :]
        dk[..., keys, :] = ds.swapaxes(-1, -2) @ q
    return dq, dk, dv


def _check_blocks(
    where: str, q: Array, k: Array, v: Array, allowed: NDArray[np.bool_] | None, block: int
) -> tuple[int, ...]:
    """Check the arguments; return the shape of all scores, which no array will have."""
    _check_fit(where, q, k, v)
    shape = (*q.shape[:-1], k.shape[-2])
    if allowed is not None:
        _check_allowed(where, allowed, shape)
    check_count(where, "block", block)
    return shape


def _blocks(n: int, block: int) -> list[slice]:
    return [slice(start, min(start + block, n)) for start in range(0, n, block)]


def _scores(
    q: Array,
    k: Array,
    allowed: NDArray[np.bool_] | None,
    causal: bool,
    keys: slice,
    shape: tuple[int, ...],
) -> Array:
    """q kᵀ / √d for some keys, -∞ where one must not be seen."""
    s = (q * float(1 / np.sqrt(q.shape[-1]))) @ k[..., keys, :].swapaxes(-1, -2)
    if allowed is not None:
        s[~np.broadcast_to(allowed, shape)[..., keys]] = -np.inf
    if causal:
        s[..., np.arange(keys.start, keys.stop) > np.arange(shape[-2])[:, None]] = -np.inf
    return s


def _finite(top: Array) -> Array:
    """The values, and 0 where they are -∞: a query without keys has exp(-∞ - 0) = 0 everywhere."""
    return np.where(top.real == -np.inf, 0, top)


def _weights(q: Array, k: Array, bias: Array | None, p: Array) -> Array:
    """p = softmax(q kᵀ / √d + bias), bias being 0 or -∞."""
    # The scale acts on q, which is smaller than the scores.
    np.matmul(q * float(1 / np.sqrt(q.shape[-1])), k.swapaxes(-1, -2), out=p)
    if bias is not None:
        p += bias
    top = p.real.max(axis=-1, keepdims=True)
    # A row of -∞ alone has no maximum to subtract: exp(-∞ - 0) is 0, where -∞ + ∞ is not.
    top[top == -np.inf] = 0
    p -= top
    np.exp(p, out=p)
    total = p.sum(axis=-1, keepdims=True)
    total[total == 0] = 1
    p /= total
    return p


def _errors(
    q: Array, k: Array, v: Array, p: Array, dy: Array, ds: Array, dq: Array, dk: Array, dv: Array
) -> None:
    """Fill the last four, ds being ∂L/∂(q kᵀ)."""
    np.matmul(p.swapaxes(-1, -2), dy, out=dv)
    np.matmul(dy, v.swapaxes(-1, -2), out=ds)
    ds -= np.einsum("...ij,...ij->...i", p, ds)[..., None]
    ds *= p
    ds *= float(1 / np.sqrt(q.shape[-1]))
    np.matmul(ds, k, out=dq)
    np.matmul(ds.swapaxes(-1, -2), q, out=dk)


def _bias(forbidden: NDArray[np.bool_], kind: DTypeLike) -> Array:
    bias = np.zeros(forbidden.shape, np.empty(0, kind).real.dtype)
    bias[forbidden] = -np.inf
    return bias


def _check_fit(where: str, q: Array, k: Array, v: Array) -> None:
    for name, value in (("q", q), ("k", k), ("v", v)):
        if check_array(where, name, value).ndim < 2:
            raise ValueError(f"{where}: {name} has shape {value.shape}, expected at least 2 axes")
    check_array(where, "k", k, (*q.shape[:-2], None, q.shape[-1]))
    check_array(where, "v", v, (*k.shape[:-1], None))
    if not k.size:
        raise ValueError(f"{where}: k has shape {k.shape}, expected at least one key")


def _check_allowed(
    where: str, allowed: NDArray[np.bool_], shape: tuple[int, ...]
) -> NDArray[np.bool_]:
    if check_ndarray(where, "allowed", allowed).dtype != np.bool_:
        raise TypeError(
            f"{where}: allowed has dtype {allowed.dtype}, expected bool (False: must not see)"
        )
    try:
        fits = np.broadcast_shapes(allowed.shape, shape) == shape
    except ValueError:
        fits = False
    if not fits:
        raise ValueError(
            f"{where}: allowed has shape {allowed.shape}, expected one that broadcasts to {shape}"
        )
    return allowed


def _product(a: Array, W: Array, out: Array) -> None:
    """A W for all rows of all sequences in one product, which is faster than one a sequence."""
    np.matmul(a.reshape(-1, len(W)), W, out=out.reshape(-1, W.shape[1]))


class MultiHeadAttention(Layer):
    """Self-attention with several heads side by side (Vaswani et al., 2017).

    With q, k, v = x W_qkv + b_qkv, each (batch, time, d_model), and cut into n_heads blocks of
    d = d_model / n_heads columns, every head on its own:

    | s = q kᵀ / √d,  p = softmax(s), o = p v
    | y = o W_o + b_o, where o holds all heads' results side by side

    Shapes: x and y (batch, time, d_model), W_qkv (d_model, 3 d_model), b_qkv (3 d_model,),
    W_o (d_model, d_model), b_o (d_model,), p (batch, n_heads, time, time).

    Padding neither is read nor reads: its y is 0, no error enters there, and ∂L/∂x is 0.

    Parameters
    ----------
    d_model : int
        Width of the tokens, a multiple of ``n_heads``.
    n_heads : int
        Number of heads.
    rng : numpy.random.Generator
        Source of the initial weights; biases start at 0.
    causal : bool
        Whether a token sees itself and earlier ones only.
    initializer : callable
        One of ``backprop.initializers``, drawn for each of W_q, W_k, W_v and W_o.
    dtype : dtype
        float32 or float64 of parameters and gradients.

    Raises
    ------
    TypeError, ValueError
        If ``d_model`` or ``n_heads`` is no integer or below 1, ``d_model`` is no multiple of
        ``n_heads``, or the dtype another.
    """

    name = "attention"

    def __init__(
        self,
        d_model: int,
        n_heads: int,
        *,
        rng: np.random.Generator,
        causal: bool = False,
        initializer: Initializer = glorot,
        dtype: DTypeLike = np.float64,
    ) -> None:
        super().__init__()
        where = "MultiHeadAttention"
        self.d_model = d = check_count(where, "d_model", d_model)
        self.n_heads = check_count(where, "n_heads", n_heads)
        if d % n_heads:
            raise ValueError(f"{where}: d_model is {d}, expected a multiple of n_heads = {n_heads}")
        self.causal = causal
        kind = check_dtype(where, dtype)
        matrices = [initializer(rng, (d, d)).astype(kind) for _ in range(4)]
        self.parameters["W_qkv"] = np.hstack(matrices[:3])
        self.parameters["b_qkv"] = np.zeros(3 * d, kind)
        self.parameters["W_o"] = matrices[3]
        self.parameters["b_o"] = np.zeros(d, kind)
        for name, value in self.parameters.items():
            self.gradients[name] = np.zeros_like(value)

    def forward(self, x: Array, mask: Mask | None = None) -> Array:
        """Return y, shape (batch, time, d_model).

        Parameters
        ----------
        x : array, shape (batch, time, d_model)
        mask : bool array, shape (batch, time), optional
            False where a token is padding.
        """
        W_qkv, b_qkv, W_o, b_o = self.parameters.values()
        x = self._input("x", x, (None, None, self.d_model))
        batch, time, d_model = x.shape
        where = "MultiHeadAttention.forward"
        if not time:
            raise ValueError(f"{where}: x has shape {x.shape}, expected at least one token")
        self.padding = None
        if mask is not None and not check_mask(where, mask, (batch, time)).all():
            self.padding = ~mask
            # Zero and not just unseen: 0 · NaN in a product would spoil the sums over tokens.
            x = np.where(mask[:, :, None], x, 0)
        self.x = x
        kind = np.result_type(x, W_qkv, b_qkv, W_o, b_o)
        qkv = self._empty("qkv", (batch, time, 3 * d_model), kind)
        _product(x, W_qkv, qkv)
        qkv += b_qkv
        self.q, self.k, self.v = self._heads(qkv)
        self._turn(self.q, self.k)
        p = self._empty("p", (batch, self.n_heads, time, time), kind)
        forbidden = self._forbidden(time)
        bias = None if forbidden is None else _bias(forbidden, kind)
        self.p = _weights(self.q, self.k, bias, p)
        self.o = self._empty("o", x.shape, kind)
        np.matmul(self.p, self.v, out=self._heads(self.o)[0])
        y = self._empty("y", x.shape, kind)
        _product(self.o, W_o, y)
        y += b_o
        if self.padding is not None:
            y[self.padding] = 0
        return y

    def backward(self, dz: Array) -> Array:
        """Fill ``gradients``; return ∂L/∂x = dqkv W_qkvᵀ, given the argument dy = ∂L/∂y."""
        self.backward_parameters(dz)
        W_qkv = self.parameters["W_qkv"]
        dx = self._empty("dx", dz.shape, self.dqkv.dtype)
        _product(self.dqkv, W_qkv.T, dx)
        if self.padding is not None:
            dx[self.padding] = 0
        return dx

    def backward_parameters(self, dz: Array) -> None:
        """Fill ``gradients``, given the argument dy = ∂L/∂y.

        | dW_o = Σ_batch oᵀ dy,  db_o = Σ dy,  do = dy W_oᵀ
        | dv = pᵀ do,  dp = do vᵀ,  ds = p ⊙ (dp - Σ_j p_j dp_j)
        | dq = ds k / √d,  dk = dsᵀ q / √d
        | dW_qkv = Σ_batch xᵀ dqkv,  db_qkv = Σ dqkv
        """
        p, q, k, v = self._kept("p"), self.q, self.k, self.v
        dy = check_array("MultiHeadAttention.backward", "dz", dz, self.x.shape)
        if self.padding is not None:
            dy = np.where(self.padding[:, :, None], 0, dy)
        W_o = self.parameters["W_o"]
        self._sums("W_o", "b_o", self.o, dy)
        kind = np.result_type(dy, p)
        do = self._empty("do", dy.shape, kind)
        _product(dy, W_o.T, do)
        (do_heads,) = self._heads(do)
        dqkv = self.dqkv = self._empty("dqkv", (*dy.shape[:2], 3 * self.d_model), kind)
        dq, dk, dv = self._heads(dqkv)
        ds = self._empty("ds", p.shape, kind)
        _errors(q, k, v, p, do_heads, ds, dq, dk, dv)
        self._turn(dq, dk, back=True)
        self._sums("W_qkv", "b_qkv", self.x, dqkv)

    def _turn(self, q: Array, k: Array, back: bool = False) -> None:
        """Turn queries and keys by their places, or errors back: a subclass does."""

    def _heads(self, packed: Array) -> tuple[Array, ...]:
        """Return views (batch, n_heads, time, d) of each block of d_model columns."""
        batch, time, width = packed.shape
        shape = (batch, time, width // self.d_model, self.n_heads, self.d_model // self.n_heads)
        return tuple(packed.reshape(shape).transpose(2, 0, 3, 1, 4))

    def _forbidden(self, time: int) -> NDArray[np.bool_] | None:
        """True where a query must not see a key; broadcasts to the shape of p."""
        later = ~np.tri(time, dtype=bool) if self.causal else None
        if self.padding is None:
            return later
        keys = self.padding[:, None, None, :]
        return keys if later is None else later | keys

    def _sums(self, matrix: str, bias: str, a: Array, dz: Array) -> None:
        rows = dz.reshape(-1, dz.shape[-1])
        np.matmul(a.reshape(-1, a.shape[-1]).T, rows, out=self.gradients[matrix])
        ones = self._empty("ones", (len(rows),), dz.dtype)
        ones.fill(1)
        np.matmul(ones, rows, out=self.gradients[bias])
