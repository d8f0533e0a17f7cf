"""Checkers of the chapter "Memory".

Each knows the right answers and those of the usual mistakes, by formulas that stand here once.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

import numpy as np

from backprop.arrays import Array
from backprop.book.chains import advances as fewest
from backprop.book.chains import equal, most_kept, shrinking
from backprop.book.exercises.verdict import (
    Answer,
    Case,
    Part,
    Told,
    Verdict,
    checker,
    distinct,
    in_turn,
    judge,
    limited,
    misfit,
    numbers,
)
from backprop.layers import BatchNorm, Dense, Dropout, Layer, ReLU, Tanh


@checker
def check_segments(c: Any, units: Any) -> Verdict:
    """Check n = 100 with inputs a quarter as large: c/4 + 100/c is least at c = 20, where it is 10.

    The unit of memory is what one layer keeps.
    """
    slope = "Write down the units that are needed as a function of c. Where is its slope 0?"
    parts: list[Part] = [
        ("c", 20, [
            (10, "This is √n, as if an input were as large as what a layer keeps.", slope),
            (5, "The quarter is on the wrong side.", "Cheap inputs allow more of them."),
            (40, "The factor belongs under the root.", slope),
            (2.5, "The factor belongs under the root, and on the other side.", slope),
            (14, "This is √(2n), which belongs to shrinking segments.", "Here they are equal."),
            (14.142, "This is √(2n), which belongs to shrinking segments.", "Here they are equal."),
            (400, "The root is missing.", slope),
            (-20, "Only the positive root is a number of segments.", ""),
            (25, "This is n/4.", slope), (50, "This is n/2.", slope),
            (100, "Then every input is kept.", slope),
            (1, "Then nothing is saved.", slope),
        ], slope),
        ("The units", 10, [
            (20, "This is c itself, or the memory with inputs of full size.",
             "An input is a quarter of the unit."),
            (25, "Each input was counted in full.", "An input is a quarter of the unit."),
            (5, "This is one of the two terms.", "Add the other."),
            (9.75, "An input was taken off, as if it were part of what its layer keeps.",
             "Here it comes on top."),
            (9, "A whole unit was taken off, as if the segment's input were counted twice.",
             "An input is no part of what its layer keeps."),
            (24, "This is c + n/c - 1, as if an input were as large as what a layer keeps.",
             "An input is a quarter of the unit, and no part of what its layer keeps."),
            (19, "This is c + n/c - 1 for c = √n.", "Use your own c, and the sizes given here."),
            (100, "This is without segments.", "Only one segment is kept whole."),
            (12.5, "This is for c = 10.", slope),
            (21.25, "This is for c = 5.", slope),
            (40, "This is in units of an input.", "The unit is what a layer keeps."),
        ], "How much do the c inputs take, and how much one segment?"),
    ]  # fmt: skip
    return in_turn((c, units), parts, "Both terms are equal there, as with √n.")


@checker
def check_binomial(length: Any, kept: Any) -> Verdict:
    """Check C(5 + 4, 4) = 126, and the least K with C(K + 2, 3) >= 1000, which is 18."""
    formula = "The page has a formula for the most layers: which K and which R go into it?"
    parts: list[Part] = [
        ("The length", 126, [
            (24, "A product is far too little.", formula),
            (36, "This is 4 · 9, and no binomial.", formula),
            (1296, "This is 6⁴, but the binomial grows more slowly than a power.", formula),
            (4096, "This is 4⁶, but the binomial grows more slowly than a power.", formula),
            (21, "This is for R = 2.", formula),
            (56, "This is for R = 3.", "Here R is 4, the first evaluation among them."),
            (70, "This is for K = 5.", "The network's input is one of the 6."),
            (84, "Here K and R have changed places.", formula),
            (210, "This is C(K + R, R), which counts one kept input too many.", formula),
            (252, "This is for R = 5.", formula),
            (6, "This is for R = 1.", formula), (9, "This is K - 1 + R.", formula),
            (3024, "This counts the orders of a choice.", "Divide by them, or use math.comb."),
            (15120, "This counts the orders of a choice.", "Divide by them, or use math.comb."),
            (362880, "This is 9!.", formula),
        ], formula),
        ("The kept inputs", 18, [
            (17, "This allows too few layers.", "How many layers does the page's formula give"
             " for your K? The network's input is one of the K."),
            (19, "This is enough, but not the least.", formula),
            (20, "This is the upper number of the binomial.", "The upper number is not K alone."),
            (11, "This is for R = 4.", "The first evaluation is one of the 3."),
            (10, "10³ = 1000, but the binomial grows more slowly.", "How many layers are possible"
             " for K = 10?"),
            (32, "This is about √1000.", "With R = 3, fewer inputs do."),
            (31, "This is about √1000.", "With R = 3, fewer inputs do."),
            *((k, "1000/3 is far too many.", formula) for k in (333, 334)),
            (44, "This is about what R = 2 needs.", "Here there may be three."),
            (45, "Then two evaluations per layer would do.", "Here there may be three."),
            (1000, "This keeps every input.", formula),
        ], "Take R = 3, and look for the least K that allows 1,000 layers."),
    ]  # fmt: skip
    swapped = numbers([length, kept])
    if swapped is not None and swapped.tolist() == [18, 126]:
        return Verdict(False, "These are in the wrong order.", "The length comes first.")
    praise = "A thousand layers with eighteen kept inputs."
    return in_turn((length, kept), parts, praise)


@checker
def check_lengths(lengths: Answer) -> Verdict:
    """Check ``lengths(n)``: the segments whose peak is the least K with K(K + 1)/2 >= n."""

    def kept(n: int) -> int:
        answer = lengths(n)
        if answer is None:
            raise Told("The answer is None: is a return missing?")
        found = numbers(answer)
        if found is None or found.ndim != 1 or not len(found):
            raise Told(f"For {n} layers, return a list of lengths, such as [3, 2, 1].")
        if (found != np.round(found)).any() or found.min() < 1:
            raise Told(f"For {n} layers, a length is no whole number of layers, 1 or more.")
        if found.sum() != n:
            raise Told(f"For {n} layers, the lengths add up to {found.sum():g}.")
        return most_kept([int(length) for length in found])

    def case(n: int) -> Case:
        right = next(k for k in range(1, n + 1) if k * (k + 1) // 2 >= n)
        shrinks = shrinking(n, right)
        # The first segment or the last takes what is left.
        whole = [right - i for i in range(len(shrinks))]
        grows = shrinks[::-1], [*whole[:-1], n - sum(whole[:-1])][::-1]
        more = "While a segment is taken back, the checkpoints of all before it are still kept."
        mistakes: list[tuple[Any, str, str]] = [
            (min(most_kept(equal(n, k)) for k in range(1, n + 1)),
             "Equal segments do no better than this.", more),
            (n, "This keeps every input, as if nothing were cut.", more),
            *((most_kept(lengths), "The segments grow, and should shrink.",
               "The last segment has the most checkpoints beside it.") for lengths in grows),
            (right + 1, "One input fewer would do.", "With K kept inputs, the segments may have"
             " K, K - 1, ... layers. Which is the least K?"),
        ]  # fmt: skip
        where = f"{n} layers, in kept inputs,"
        return Case((n,), right, distinct(mistakes, right), more, where=where)

    if (unfit := misfit(lengths, "n")) is not None:
        return unfit
    given: Any = kept if callable(lengths) else lengths
    praise = "No other cut keeps fewer."
    return judge(given, [case(n) for n in (40, 7, 64, 3, 6, 10, 400)], praise)


class _Counting(Layer):
    """A layer that knows how many times it has been called."""

    def __init__(self) -> None:
        super().__init__()
        self.calls = 0


class _Warming(_Counting):
    """A layer that multiplies its input by how many times it has been called."""

    name = "warming"

    def forward(self, x: Array) -> Array:
        """Return x, 2x, 3x, ... from call to call."""
        self.calls += 1
        return self.calls * x


class _Turning(_Counting):
    """A layer that turns its last row's entries one place further at each call: the mean stays."""

    name = "turning"

    def forward(self, x: Array) -> Array:
        """Return x with its last row turned."""
        self.calls += 1
        x = x.copy()
        x[-1] += 1e-4 * (np.roll(x[-1], self.calls) - x[-1])
        return x


class _Trembling(_Counting):
    """A layer whose last row differs from call to call by a few units in the last place."""

    name = "trembling"

    def forward(self, x: Array) -> Array:
        """Return x with its last row a little larger at each call."""
        self.calls += 1
        x = x.copy()
        x[-1] *= 1 + self.calls * 1e-15
        return x


class _Doubling(Layer):
    """A sound layer of a kind that the page does not name: it doubles its input."""

    name = "doubling"

    def forward(self, x: Array) -> Array:
        """Return 2x."""
        return 2 * x


class _Settling(Layer):
    """A layer that takes the scale of its first training pass, and keeps it from then on."""

    name = "settling"

    def __init__(self) -> None:
        super().__init__()
        self.scale = 1.0

    def forward(self, x: Array) -> Array:
        """Return x over the scale."""
        if self.training and self.scale == 1.0:
            self.scale = float(np.abs(x).max()) + 1
        return x / self.scale


def _in_use(layer: Layer) -> Layer:
    layer.training = False
    return layer


def _dense(n_in: int = 4, n_out: int = 4) -> Dense:
    return Dense(n_in, n_out, rng=np.random.default_rng(0))


def _dropout(p: float = 0.5) -> Dropout:
    return Dropout(p, rng=np.random.default_rng(1))


def _networks() -> list[tuple[str, Callable[[], list[Layer]], list[int], list[int]]]:
    """Return words, layers, the broken ones, and those whose state moves."""
    return [
        ("Dense, Dropout, Dense, Tanh", lambda: [_dense(), _dropout(), _dense(), Tanh()], [1], [1]),
        ("Dense, Tanh, Dense", lambda: [_dense(), Tanh(), _dense()], [], []),
        ("Dense, Dropout, Tanh, Dense, Dropout, Dense",
         lambda: [_dense(), _dropout(), Tanh(), _dense(), _dropout(), _dense()], [1, 4], [1, 4]),
        ("Dense, BatchNorm, ReLU, Dense", lambda: [_dense(), BatchNorm(4), ReLU(), _dense()],
         [], [1]),
        ("Dense, a layer that counts its calls, Tanh", lambda: [_dense(), _Warming(), Tanh()],
         [1], [1]),
        ("Dense with 6 units, Dropout, Dense, Dropout",
         lambda: [_dense(4, 6), _dropout(), _dense(6, 4), _dropout()],
         [1, 3], [1, 3]),
        ("Dense, a layer that doubles, Dropout",
         lambda: [_dense(), _Doubling(), _dropout()], [2], [2]),
        ("Dense, a layer that changes little in its last row, Tanh",
         lambda: [_dense(), _Turning(), Tanh()], [1], [1]),
        ("Dense, a layer that changes in the last bits, Tanh",
         lambda: [_dense(), _Trembling(), Tanh()], [1], [1]),
        ("Dropout in use, Dense, Dropout with p = 0, Tanh",
         lambda: [_in_use(_dropout()), _dense(), _dropout(0), Tanh()], [], []),
    ]  # fmt: skip


def _marked(choose: Answer, layers: list[Layer]) -> list[int]:
    """Return 1 for each layer whose index the reader's function returns, else 0."""
    modes = [layer.training for layer in layers]
    answer = choose(layers, np.random.default_rng(2).normal(size=(20, 4)))
    if [layer.training for layer in layers] != modes:
        raise Told("Afterwards, the `training` of a layer is not what it was.")
    if answer is None:
        raise Told("The answer is None: is a return missing?")
    if not isinstance(answer, list | tuple | set | np.ndarray):
        raise Told("Return a list of indices, such as [1, 4], or an empty one.")
    if len(answer) == len(layers) and all(isinstance(a, bool | np.bool_) for a in answer):
        raise Told("These are truth values. Return the indices of the layers.")
    places = numbers(list(answer))
    if places is None or places.ndim != 1 or (places != np.round(places)).any():
        raise Told("Return a list of indices, such as [1, 4], or an empty one.")
    if len(places) and not 0 <= places.min() <= places.max() < len(layers):
        raise Told("There is no layer with such an index; the first one is 0.")
    return [int(i in places) for i in range(len(layers))]


def _by_marks(choose: Answer, cases: Sequence[Case], praise: str, networks: Any) -> Verdict:
    """Judge by the marks of each network, and speak of layers instead of entries."""

    def marks(k: int) -> list[int]:
        return _marked(choose, networks[k][1]())

    given: Any = marks if callable(choose) else choose
    verdict = judge(given, cases, praise)
    if not verdict.unforeseen:
        return verdict
    for case in cases:
        found, right = np.array(marks(*case.args)), np.array(case.expected)
        if (found != right).any():
            break
    faults = ["misses a layer"] * bool((found < right).any())
    faults += ["names a layer that it should not"] * bool((found > right).any())
    return Verdict(False, f"For {case.where}, the list {' and '.join(faults)}.", case.more)


def _anew(layers: list[Layer]) -> list[int]:
    """Return the layers of which two calls return two objects, whatever their entries."""
    x: Array = np.random.default_rng(2).normal(size=(20, 4))
    found = []
    for i, layer in enumerate(layers):
        first, second = layer.forward(x), layer.forward(x)
        if first is not second:
            found.append(i)
        x = first
    return found


@checker
def check_broken(broken: Answer) -> Verdict:
    """Check ``broken(layers, x)``: the indices of layers whose second evaluation differs."""
    found = _networks()

    def case(k: int) -> Case:
        words, make, right, moving = found[k]
        n = len(make())

        def mark(places: Any) -> list[int]:
            return [int(i in places) for i in range(n)]

        after = range(right[0], n) if right else []
        same = "Give a layer the same input twice, not what the second pass made of it."
        missed = (
            "Compare all entries, without a tolerance."
            if any(isinstance(layer, _Turning | _Trembling) for layer in make())
            else "Call the layer itself twice with the same input: a copy repeats its draws."
        )
        mistakes: list[tuple[Any, str, str]] = [
            (mark([i for i, layer in enumerate(make()) if isinstance(layer, Dropout)]),
             "Dropout is not the only layer that can break, and it need not.",
             "Compare outputs, whatever the kind of layer."),
            (mark([*right, *(i for i, layer in enumerate(make()) if isinstance(layer, _Doubling))]),
             "A layer of an unknown kind need not be broken.",
             "Compare outputs, whatever the kind of layer."),
            (mark(after), "A layer that comes after a broken one is not broken itself.", same),
            (mark(right[:1]), "There may be more than one.", "Look at all layers."),
            (mark([n - 1] if right else []), "This compares the outputs of the network.",
             "Compare those of each layer."),
            (mark(moving), "This layer's state moves, but its output is the same.",
             "Compare the outputs."),
            (mark([i + 1 for i in right]), "Count from 0.", ""),
            (mark(_anew(make())), "These are the layers that return another array at each call.",
             "Compare the arrays' entries, not whether they are the same object."),
            (mark([]), "At least one of these layers is broken.", missed),
            (mark(range(n)), "Not all of them are broken.", "Compare entries, not the arrays'"
             " identity: two calls return two arrays."),
            (mark([i for i in range(n) if i not in right]), "These are the others.", ""),
        ]  # fmt: skip
        expected = mark(right)
        return Case((k,), expected, distinct(mistakes, expected), same,
                    where=f"the network {words}")  # fmt: skip

    if (unfit := misfit(broken, "layers, x")) is not None:
        return unfit
    praise = "A layer is broken if the same input gives another output."
    return _by_marks(broken, [case(k) for k in range(len(found))], praise, found)


@checker
def check_moved(moved: Answer) -> Verdict:
    """Check ``moved(layers, x)``: layers that a second training pass leaves different in use."""
    # Layers, those that move, and those whose output in training differs from call to call.
    found: list[tuple[str, Callable[[], list[Layer]], list[int], list[int]]] = [
        ("Dense, BatchNorm, Tanh", lambda: [_dense(), BatchNorm(4), Tanh()], [1], []),
        ("Dense, Dropout, Tanh", lambda: [_dense(), _dropout(), Tanh()], [], [1]),
        ("BatchNorm, Dense, Dropout, BatchNorm, ReLU",
         lambda: [BatchNorm(4), _dense(), _dropout(), BatchNorm(4), ReLU()], [0, 3], [2]),
        ("Dense, BatchNorm in use, Tanh, BatchNorm",
         lambda: [_dense(), _in_use(BatchNorm(4)), Tanh(), BatchNorm(4)], [3], []),
        ("Dense, a layer that counts its calls, BatchNorm",
         lambda: [_dense(), _Warming(), BatchNorm(4)], [1, 2], [1]),
        ("Dense with 6 units, BatchNorm, Dense",
         lambda: [_dense(4, 6), BatchNorm(6), _dense(6, 4)], [1], []),
        ("Dense, a layer that doubles, BatchNorm",
         lambda: [_dense(), _Doubling(), BatchNorm(4)], [2], []),
        ("Dense, a layer that settles in its first training pass, BatchNorm",
         lambda: [_dense(), _Settling(), BatchNorm(4)], [2], []),
        ("Dense, a layer that changes little in its last row, Tanh",
         lambda: [_dense(), _Turning(), Tanh()], [1], [1]),
        ("Dense, a layer that changes in the last bits, Tanh",
         lambda: [_dense(), _Trembling(), Tanh()], [1], [1]),
    ]  # fmt: skip

    def case(k: int) -> Case:
        words, make, right, drawn = found[k]
        n = len(make())
        twice = (
            "Take a layer's output in use before and after a second training pass, with the same"
            " input."
        )

        missed = (
            "Compare all entries, without a tolerance."
            if any(isinstance(layer, _Turning | _Trembling) for layer in make())
            else twice
        )

        def mark(places: Any) -> list[int]:
            return [int(i in places) for i in range(n)]

        mistakes: list[tuple[Any, str, str]] = [
            (mark([]), "At least one of these layers moves.", missed),
            (mark({*right, *drawn}), "Dropout draws anew, but in use it does what it did before.",
             twice),
            (mark(drawn), "These are the layers whose output differs in training.", twice),
            (mark(range(n)), "Not all of them move.",
             "A layer that has a state, or returns another array, need not move. Compare the"
             " entries of its outputs in use."),
            (mark([i + 1 for i in right]), "Count from 0.", ""),
            (mark([i for i in range(n) if i not in right]), "These are the others.", ""),
            (mark(right[:1]), "There may be more than one.", "Look at all layers."),
            (mark(range(min(right, default=n), n)),
             "A layer that comes after one that moves need not move itself.",
             "Go on with the output of the first training pass."),
            (mark([i for i, layer in enumerate(make()) if isinstance(layer, BatchNorm)]),
             "Batch normalization is not the only layer with a state, and in use it does not move.",
             "Compare outputs, whatever the kind of layer."),
            (mark([i for i, layer in enumerate(make()) if i in right or not layer.training]),
             "One of them is in use already, and in use batch normalization does not move.",
             "Leave `training` as you found it."),
            (mark([i for i, layer in enumerate(make()) if i in right
                   or isinstance(layer, _Settling)]),
             "One of them moves in the first training pass alone, and not in the second.", twice),
            (mark([i for i, layer in enumerate(make()) if i in right
                   or isinstance(layer, _Settling | _Doubling)]),
             "A layer of an unknown kind need not move.",
             "Compare outputs, whatever the kind of layer."),
        ]  # fmt: skip
        expected = mark(right)
        return Case((k,), expected, distinct(mistakes, expected), twice,
                    where=f"the network {words}")  # fmt: skip

    if (unfit := misfit(moved, "layers, x")) is not None:
        return unfit
    praise = "These would give another network than training without checkpoints."
    return _by_marks(moved, [case(k) for k in range(len(found))], praise, found)


MOST_LINES = 400_000
SLOW = "It is too slow for 40 layers: the same lengths return again and again. Keep them."


@checker
def check_evaluations(evaluations: Answer) -> Verdict:
    """Check ``evaluations(n, K)``: the fewest, by trying each place of the next kept input."""

    def halves(n: int, s: int) -> int:
        if n == 1:
            return 0
        if s == 1:
            return n * (n - 1) // 2
        return n // 2 + halves(n - n // 2, s - 1) + halves(n // 2, s)

    def forgetful(n: int, s: int) -> int:
        """Let the left part have one kept input less as well."""
        if n == 1:
            return 0
        if s == 1:
            return n * (n - 1) // 2
        return min(m + forgetful(n - m, s - 1) + forgetful(m, s - 1) for m in range(1, n))

    @cache
    def varied(n: int, s: int, kind: str) -> int:
        """Return what a slip makes of the search."""
        if n == 1:
            return 0
        if s == 1:
            return n * (n + 1 if kind == "base" else n - 1) // 2

        def left(m: int) -> int:
            return varied(m, s, kind)

        def right(m: int) -> int:
            return varied(n - m, s - 1, kind)

        if kind == "longer":
            return min(m + max(right(m), left(m)) for m in range(1, n))
        return min(m - (kind == "before") + right(m) + left(m) for m in range(1, n))

    def case(n: int, kept: int) -> Case:
        s = kept - 1  # beside the input of the layer that is taken back
        right = fewest(n, s)
        mistakes: list[tuple[Any, str, str]] = [
            (right + n, "An evaluation of each layer just before its backward step is in here.",
             "To take a layer back, its input is enough."),
            (right + 1, "The evaluation for the output is in here.",
             "The exercise leaves it out."),
            (halves(n, s), "This always cuts in the middle.", "Try every place."),
            (forgetful(n, s), "The left part gets one kept input too few.",
             "When the right part is done, its inputs are free again."),
            (varied(n, s, "before"), "Each walk is one layer too short.",
             "How many layers are evaluated until the next kept input is there?"),
            (varied(n, s, "longer"), "Only the dearer of the two parts is counted.",
             "Both parts must be taken back."),
            (varied(n, s, "base"), "With K = 2, each walk is one layer too long.",
             "The input of the layer that is taken back is enough."),
            (n * (n - 1) // 2, "This always starts again from x.", "Keep other inputs, too."),
            # A right part that may keep all K costs as much as a chain that keeps every input,
            # but is right with K = 2, which is judged first.
            (n - 1, "This evaluates each layer once, as if every input were kept.",
             "With K = 2, every layer is reached by a walk from x.") if kept == 2 else
            (n - 1, "This gives the right part all K inputs, or does not count the m layers of the"
             " walk.", "How long is the walk to the cut, and which inputs are kept while the right"
             " part is taken back?"),
            (fewest(n, s + 1), "This has one kept input too many.", "Among the K are x and the"
             " input of the layer that is taken back."),
            (fewest(n, s - 1) if s > 1 else -1, "This has one kept input too few.",
             "With K = 2, x is kept, and the input of the layer that is taken back."),
            (0, "Nothing is evaluated here.", "The walk over m layers costs m."),
        ]  # fmt: skip
        more = (
            "A cut after m layers costs the walk there, and both parts, each with the inputs that"
            " it may keep."
        )
        return Case((n, kept), right, distinct(mistakes, right), more)

    if not callable(evaluations):
        return judge(evaluations, [case(2, 2)])
    quick = limited(evaluations, MOST_LINES, SLOW)
    sizes = (1, 4), (4, 2), (3, 3), (5, 3), (10, 4), (14, 3), (40, 5)
    try:
        return judge(
            quick,
            [case(n, kept) for n, kept in sizes],
            "These are the fewest, up to 40 layers.",
            "n, K",
        )
    except Told as told:
        return Verdict(False, str(told))
