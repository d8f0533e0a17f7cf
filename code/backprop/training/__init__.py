"""Training: the loop, what it can save and resume, what it can record, and memory for time."""

from backprop.training.checkpointing import Checkpointed
from backprop.training.loop import History, Step, fit
from backprop.training.measuring import accuracy, evaluate, first_not_finite
from backprop.training.state import CheckpointError

__all__ = [
    "CheckpointError", "Checkpointed", "History", "Step", "accuracy", "evaluate",
    "first_not_finite", "fit",
]  # fmt: skip
