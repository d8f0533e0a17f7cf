"""Update rules. The minus sign of gradient descent lives here and nowhere else."""

from __future__ import annotations

from backprop.arrays import check_positive
from backprop.network import Sequential


class SGD:
    """θ ← θ - η ∂L/∂θ (Robbins & Monro, 1951).

    Parameters
    ----------
    network : Sequential
        Whose ``theta`` is updated in place.
    learning_rate : float
        η > 0.
    """

    def __init__(self, network: Sequential, learning_rate: float) -> None:
        self.network = network
        self.learning_rate = check_positive("SGD", "learning_rate", learning_rate)

    def step(self) -> None:
        """Apply the gradients of the last backward pass."""
        # A Python float keeps float32 parameters in float32.
        self.network.theta -= self.learning_rate * self.network.dtheta
