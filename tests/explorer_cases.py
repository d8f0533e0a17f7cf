"""The settings that the tests of the explorer share."""

import numpy as np

from backprop.book.figures.explorer import DecisionRegions, Setting, Task

XOR = Task(
    np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]]),
    np.array([0, 1, 1, 0]),
    [
        Setting("tanh", [[4, 4, 0], [4, 4, 0]], [-2, -6, 0], [[4], [-4], [0]], [-4]),
        Setting("relu", [[1, 1, 0], [1, 1, 0]], [0, -1, -1], [[4], [-8], [0]], [-2]),
    ],
)
STRIPE = Task(
    np.array([[0.1, 0.9], [0.5, 0.25], [0.875, 0.5]]),
    np.array([0, 1, 0]),
    [Setting("tanh", [[8, -8, 0], [0, 0, 0]], [-2, 6, 0], [[4], [4], [0]], [-4])],
)
START = Setting("tanh", [[4, -2, 1], [1, 4, 3]], [-2.5, -1.75, -3], [[3], [-4], [2]], [0.5])
TASKS = {"XOR": XOR, "a <stripe>": STRIPE}


def explorer(start=START, name="test"):
    return DecisionRegions(name, TASKS, start, 'Regions of a "small" network')
