"""Automatic differentiation: a tape for reverse mode, dual numbers for forward mode, checks.

What solves an equation, a differential equation among them, is differentiated by the equation.
"""

from backprop.autodiff.forward import hvp, jvp
from backprop.autodiff.implicit import implicit_vjp
from backprop.autodiff.ode import adjoint_vjp, odeint, odeint_vjp
from backprop.autodiff.tape import grad, jacobian, value_and_grad, vjp

__all__ = [
    "adjoint_vjp", "grad", "hvp", "implicit_vjp", "jacobian", "jvp", "odeint", "odeint_vjp",
    "value_and_grad", "vjp",
]  # fmt: skip
