"""Automatic differentiation: a tape for reverse mode, dual numbers for forward mode, checks."""

from backprop.autodiff.forward import hvp, jvp
from backprop.autodiff.tape import grad, jacobian, value_and_grad, vjp

__all__ = ["grad", "hvp", "jacobian", "jvp", "value_and_grad", "vjp"]
