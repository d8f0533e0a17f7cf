"""What every layer is: a function with its vector-Jacobian product beside it."""

from __future__ import annotations

from backprop.arrays import Array, Buffers, check_array


class Layer(Buffers):
    """A differentiable function z = f(x; parameters).

    ``forward`` keeps what ``backward`` needs, ``backward`` maps ∂L/∂z to ∂L/∂x and fills
    ``gradients``. ``parameters`` and ``gradients`` have the same names and shapes.

    Attributes
    ----------
    training : bool
        Whether layers that differ between training and use (dropout, batch normalisation) behave
        as in training.
    """

    name = "layer"

    def __init__(self) -> None:
        super().__init__()
        self.parameters: dict[str, Array] = {}
        self.gradients: dict[str, Array] = {}
        self.training = True

    def forward(self, x: Array) -> Array:
        """Return f(x), shape (batch, n_out)."""
        raise NotImplementedError

    def backward(self, dz: Array) -> Array:
        """Return ∂L/∂x, shape of x, given dz = ∂L/∂f(x)."""
        raise NotImplementedError

    def backward_parameters(self, dz: Array) -> None:
        """Fill ``gradients`` alone: the first layer of a network has no layer to tell ∂L/∂x."""
        self.backward(dz)

    def state(self) -> dict[str, Array]:
        """Return what a checkpoint must hold besides ``parameters``; nothing for most layers."""
        return {}

    def load_state(self, state: dict[str, Array]) -> None:
        """Put back what ``state`` returned."""

    def _input(self, argument: str, x: object, shape: tuple[int | None, ...]) -> Array:
        """Return ``x`` after checking its shape, and its dtype against the parameters'."""
        where = f"{type(self).__name__}.forward"
        checked = check_array(where, argument, x, shape)
        kind = next(iter(self.parameters.values())).dtype if self.parameters else checked.dtype
        # Complex numbers come from the complex step alone, and for one of the two only.
        if checked.dtype != kind and "c" not in (checked.dtype.kind, kind.kind):
            raise TypeError(
                f"{where}: {argument} has dtype {checked.dtype}, expected {kind}"
                f" as the parameters (convert with {argument}.astype(numpy.{kind}))"
            )
        return checked

    def _kept(self, quantity: str) -> Array:
        if not hasattr(self, quantity):
            raise RuntimeError(f"{type(self).__name__}: backward() came before forward()")
        kept: Array = getattr(self, quantity)
        return kept
