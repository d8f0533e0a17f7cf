"""What every layer is: a function with its vector-Jacobian product beside it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, MutableMapping
from contextlib import AbstractContextManager, contextmanager
from copy import deepcopy
from operator import attrgetter
from typing import TYPE_CHECKING, Any, NoReturn, Self, cast

import numpy as np
from numpy.typing import NDArray

from backprop.arrays import Array, Buffers, check_array


class Binding:
    """What the layers of one network have in common: none of them was bound by another since."""

    def __init__(self) -> None:
        self.broken = False


class Named(MutableMapping[str, Array]):
    """Arrays by name, into which an assignment copies."""

    fixed = True
    """Whether the names are."""

    def replaced(self, arrays: Mapping[str, Array]) -> AbstractContextManager[None]:
        """Let other arrays of the same shapes, complex ones as well, stand here for a while."""
        raise NotImplementedError


class Arrays(dict[str, Array], Named):
    """A layer's parameters or gradients by name; to assign to a name copies into its array.

    The arrays are views into the vectors of a network, and one put in their place would never be
    trained; only :meth:`replaced` does that, for a while. New names are for the constructor of the
    layer: once it is part of another layer or network, they are fixed.
    """

    fixed = False
    binding: Binding | None = None

    def __setitem__(self, name: str, value: Array) -> None:
        if name in self:
            assign(name, self[name], value)
        elif self.fixed:
            raise KeyError(f"{name} is no parameter of this layer, expected one of {list(self)}")
        else:
            super().__setitem__(name, value)

    def __delitem__(self, name: str) -> None:
        if self.fixed:
            raise TypeError(f"{name} belongs to a layer and cannot be deleted")
        super().__delitem__(name)

    # A dict's own methods would pass by the two above.
    update = MutableMapping.update
    setdefault = MutableMapping.setdefault
    pop = MutableMapping.pop
    popitem = MutableMapping.popitem
    clear = MutableMapping.clear

    def __ior__(self, other: Any) -> Self:  # type: ignore[override,misc]
        self.update(other)
        return self

    def __getstate__(self) -> dict[str, Any]:
        # The binding is that of the network, which makes a new one for its copy.
        return {"fixed": self.fixed}

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        twin = memo[id(self)] = type(self)()
        dict.update(twin, deepcopy(dict(self), memo))
        twin.fixed = self.fixed
        return twin

    @contextmanager
    def replaced(self, arrays: Mapping[str, Array]) -> Iterator[None]:
        """Let other arrays of the same shapes, complex ones as well, stand here for a while."""
        kept = {name: self[name] for name in arrays}
        dict.update(self, arrays)
        try:
            yield
        finally:
            dict.update(self, kept)


def assign(name: str, array: Array, value: object) -> None:
    """Copy ``value`` into ``array``, called ``name``, if it has its shape and dtype."""
    if value is array:
        # What x[name] += 1 does in the end.
        return
    checked = check_array("assignment", name, value, array.shape)
    if checked.dtype != array.dtype:
        raise TypeError(
            f"assignment: {name} has dtype {checked.dtype}, expected {array.dtype}"
            f" (convert with .astype(numpy.{array.dtype}))"
        )
    np.copyto(array, checked)


class Layer(Buffers):
    """A differentiable function z = f(x; parameters).

    ``forward`` keeps what ``backward`` needs, ``backward`` maps ∂L/∂z to ∂L/∂x and fills
    ``gradients``. ``parameters`` and ``gradients`` have the same names and shapes.

    What ``forward`` needs of x it keeps by reference, to spare the copy: an x that the caller
    changes before ``backward`` gives wrong gradients. The parameters must not change in between
    either.

    Attributes
    ----------
    parameters, gradients : mapping of str to array
        To assign to a name copies into its array.
    training : bool
        Whether layers that differ between training and use (dropout, batch normalisation) behave
        as in training.
    """

    name = "layer"

    def __init__(self) -> None:
        super().__init__()
        self._parameters: Named = Arrays()
        self._gradients: Named = Arrays()
        self.training = True

    def __copy__(self) -> NoReturn:
        raise TypeError(
            f"{type(self).__name__}: a shallow copy would share the parameters, use copy.deepcopy"
        )

    def _set_parameters(self, arrays: Mapping[str, Array]) -> None:
        self._parameters = self._own("parameters", self._parameters, arrays)

    def _set_gradients(self, arrays: Mapping[str, Array]) -> None:
        self._gradients = self._own("gradients", self._gradients, arrays)

    if TYPE_CHECKING:
        parameters: Named
        gradients: Named
    else:
        # attrgetter, because every pass reads them: a function would take four times as long.
        parameters = property(attrgetter("_parameters"), _set_parameters)
        gradients = property(attrgetter("_gradients"), _set_gradients)

    def _own(self, name: str, present: Named, arrays: Mapping[str, Array]) -> Named:
        if arrays is present:
            # What parameters |= … does in the end.
            return present
        if present.fixed:
            raise TypeError(
                f"{type(self).__name__}: {name} cannot be replaced as a whole, assign to its names"
            )
        if isinstance(arrays, Named):
            # Those of a layer that this one stands for.
            return arrays
        own = Arrays()
        own.update(arrays)
        return own

    def forward(self, x: Array) -> Array:
        """Return f(x), shape (batch, n_out)."""
        raise NotImplementedError

    def backward(self, dz: Array) -> Array:
        """Return ∂L/∂x, shape of x, given dz = ∂L/∂f(x)."""
        raise NotImplementedError

    def backward_parameters(self, dz: Array) -> None:
        """Fill ``gradients`` alone: the first layer of a network has no layer to tell ∂L/∂x."""
        self.backward(dz)

    def train(self, training: bool = True) -> None:
        """Set whether layers such as dropout behave as in training."""
        self.training = training

    def reuse_buffers(self, reuse: bool) -> None:
        """Set whether results go into the arrays of the last call, or free those arrays."""
        if reuse:
            self.reuse = True
        else:
            self.forget()

    def state(self) -> dict[str, NDArray[Any]]:
        """Return copies of what a checkpoint must hold besides ``parameters``; often nothing."""
        return {}

    def load_state(self, state: Mapping[str, NDArray[Any]]) -> None:
        """Put back what :meth:`state` returned.

        Raises
        ------
        ValueError
            If an array is missing, unknown or of another shape or dtype.
        """
        self._check_state(state)

    def _snapshot(self) -> Any:
        """Return what :meth:`_put_back` needs: the state, in whatever form is quickest."""
        return {name: np.array(array) for name, array in self.state().items()}

    def _put_back(self, snapshot: Any) -> None:
        """Be again what the layer was when :meth:`_snapshot` was called."""
        self.load_state(snapshot)

    def _check_state(self, state: Mapping[str, NDArray[Any]]) -> None:
        where, expected = f"{type(self).__name__}.load_state", self.state()
        if set(state) != set(expected):
            raise ValueError(f"{where}: state holds {sorted(state)}, expected {sorted(expected)}")
        for name, array in expected.items():
            given = np.asarray(state[name])
            # The length of a text is part of its dtype, but says nothing.
            if (
                given.shape != array.shape
                or given.dtype.kind != array.dtype.kind
                or (given.dtype != array.dtype and array.dtype.kind != "U")
            ):
                raise ValueError(
                    f"{where}: {name} has shape {given.shape} and dtype {given.dtype},"
                    f" expected {array.shape} and {array.dtype}"
                )

    def _bind(self, theta: Array, dtheta: Array, binding: Binding) -> None:
        """Move parameters and gradients into two vectors: they become views of these."""
        parameters, gradients = cast(Arrays, self._parameters), cast(Arrays, self._gradients)
        before = parameters.binding
        if before is not None and before is not binding:
            before.broken = True
        start = 0
        for key, value in parameters.items():
            part = slice(start, start + value.size)
            start += value.size
            self._move(parameters, key, theta[part].reshape(value.shape))
            self._move(gradients, key, dtheta[part].reshape(value.shape))
        parameters.binding = binding
        parameters.fixed = gradients.fixed = True

    def _move(self, arrays: Arrays, key: str, view: Array) -> None:
        old = arrays[key]
        np.copyto(view, old)
        dict.__setitem__(arrays, key, view)
        # A layer may also keep the array as an attribute.
        for name, value in vars(self).items():
            if value is old:
                setattr(self, name, view)

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
