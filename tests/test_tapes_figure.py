"""The drawn tapes: every number on them is what the package's tape finds."""

import re
import xml.etree.ElementTree as ET

import numpy as np
import pytest

from backprop.autodiff import tape
from backprop.book.figures import tapes
from backprop.book.figures.by_hand import MACRON
from backprop.book.recording import recorded_steps

SVG = "{http://www.w3.org/2000/svg}"
SUM = r"([\d +·]*\d) = (\d+)"
INPUTS = (5, 3, 2)


def program(x):
    r = x
    while r < 10:
        r = r * x
    return r


def texts(markup):
    return ["".join(t.itertext()) for t in ET.fromstring(markup).iter(f"{SVG}text")]


def hero():
    return tapes.three_tapes(INPUTS, (114, 134, 156), "t").markup


def pictures():
    return [hero(), *(f.svg for x in INPUTS for f in tapes.run_frames(x))]


@pytest.mark.parametrize("x", [2, 3, 5, 7, 12])
def test_a_run_is_the_programs(x):
    done = tapes.run(x)
    steps = recorded_steps(program, x)
    assert done.values[-1] == program(x)
    assert len(done.values) == len(steps) + 1 or x >= 10
    assert done.adjoints[0] == tape.grad(program)(float(x)) == sum(done.shares or [1])


def test_the_program_drawn_is_the_one_that_runs():
    body = "\n".join(f"    {line}" for line in tapes.PROGRAM)
    space = {}
    exec(f"def drawn(x):\n{body}", space)
    assert [space["drawn"](x) for x in (2, 3, 5, 12)] == [program(x) for x in (2, 3, 5, 12)]


@pytest.mark.parametrize("markup", pictures())
def test_every_equation_on_a_picture_holds(markup):
    found = [m for words in texts(markup) for m in re.finditer(SUM, words)]
    for left, right in (m.groups() for m in found):
        assert eval(left.replace("·", "*")) == int(right), left


def test_the_hero_shows_program_values_and_adjoints():
    words = texts(hero())
    for line in tapes.PROGRAM:
        assert line.strip() in words
    for line in ("v₃ = 8·2 = 16", "v₂ = 9·3 = 27", "v₁ = 5·5 = 25", "v₁ = 1·3 = 3",
                 "x = 5+5 = 10", "x = 9+9+9 = 27", "x = 8+8+8+8 = 32"):  # fmt: skip
        assert line in words, line


def test_a_frame_for_each_line_and_each_visit():
    captions = [frame.caption for frame in tapes.run_frames(3)]
    assert len(captions) == 6
    assert captions[3].startswith("27 is not below 10")
    assert "1·3 = 3 to v₁, and 1·9 = 9 to x" in captions[4]
    assert f"x{MACRON} = 9+9+9 = 27" in captions[5]
    assert "x = 9 + …" in texts(tapes.run_frames(3)[4].svg)  # two more shares are to come


def test_the_clock_draws_both_ways_with_their_spread():
    slow = iter([1, 1, 1, 1, 3, 3, 3, 3])  # the second round is disturbed

    def times(h, seed):
        by = next(slow)
        return 10 * h, by, by * (3 + seed), by * 10

    n, backward, forward = tapes.timed(times, (1, 5), (0, 2), rounds=2)
    assert n.tolist() == [10, 50]
    assert np.array_equal(backward, [[3, 5], [3, 5]])
    assert np.array_equal(forward, [[100, 100], [500, 500]])
    words = texts(tapes.clock(n, backward, forward, "t").markup)
    assert {"run and one", "from one", "number of weights"} <= set(words)


def test_the_pieces_carry_the_slopes_of_the_tape():
    drawn = tapes.pieces(program, tape.grad(program), [float(x) for x in INPUTS], "t")
    assert {"slope 10", "slope 27", "slope 32", "√10"} <= set(texts(drawn.markup))


def test_a_loose_root_is_drawn_where_its_loop_runs_once_or_never():
    seen = {}

    def root(x, tolerance):
        r, runs = x, 0
        while abs(r * r - x) > tolerance * x:
            r, runs = 0.5 * (r + x / r), runs + 1
        seen.setdefault(runs, []).append(x)
        return r

    words = texts(tapes.loose_root(root, 0.1, "t").markup)
    assert {"no iteration:", "slope 1", "one iteration:", "slope 0.5", "√x"} <= set(words)
    assert set(seen) == {0, 1}  # no third piece that the picture does not name
    assert min(seen[0]) > 0.9 and max(seen[0]) < 1.1


def test_the_share_is_the_same_with_and_without_the_matrix():
    words = texts(tapes.matrix_and_rule((1, 0.36), (3, 2), 6400, "t").markup)
    worked = [w.split(" = ") for w in words if "·" in w]
    found = [eval(left.replace("·", "*")) for left, _ in worked]
    assert found == pytest.approx([float(right) for _, right in worked])
    _, pull = tape.vjp(np.tanh, np.array([0, np.log(3)]))
    assert found == pytest.approx([*pull(np.array([3.0, 2.0]))] * 2)
    assert {"g = (3, 2)", "40,960,000 slopes", "6,400 slopes"} <= set(words)


@pytest.mark.parametrize(("step", "wanted"), [(1e-3, range(11, 1000)), (1e-7, [1])])
def test_a_call_is_timed_by_a_coarse_clock_too(monkeypatch, step, wanted):
    """A browser's clock may stand still during a short call."""
    now, calls = 0.0, 0

    def clock():
        nonlocal now
        now += 1e-7
        return np.floor(now / step) * step

    def call(by):
        nonlocal now, calls
        now, calls = now + by, calls + 1

    monkeypatch.setattr(tapes.time, "perf_counter", clock)
    assert tapes.seconds(call, 0.0001) == pytest.approx(0.0001, rel=0.1)
    assert calls in wanted
