"""A chain's gradients are those of a network, and its memory is what a schedule promises."""

import json
import tracemalloc
from heapq import heappop, heappush
from itertools import count, pairwise
from math import comb

import numpy as np
import pytest

from backprop import Checkpointed, Dense, Dropout, Sequential, Tanh
from backprop.book import chains
from backprop.book.chains import (
    Chain,
    advances,
    arrays,
    binomial,
    counting,
    cut_into,
    dense_again,
    first_cut,
    in_segments,
    moments,
    most_kept,
    shrinking,
    slower,
    stored,
    tower,
    watched,
)
from backprop.training.checkpointing import measure


def problem(n=6):
    rng = np.random.default_rng(0)
    layers = [Tanh() if i % 2 else Dense(3, 3, rng=rng) for i in range(n)]
    x, dz = rng.normal(size=(2, 5, 3))
    network = Sequential(layers)
    network.forward(x)
    dx = network.backward(dz)
    dtheta = network.dtheta.copy()
    network.dtheta[...] = 0
    return network, x, dz, dx, dtheta


@pytest.mark.parametrize(
    "schedule",
    [
        *map(in_segments, (1, 2, 3, 4, 6)),
        *map(binomial, (1, 2, 3, 9)),
        *map(cut_into, ([3, 2, 1], [1, 5], [6])),
    ],
)
def test_every_schedule_gives_the_networks_gradient(schedule):
    network, x, dz, dx, dtheta = problem()
    before = x.copy(), dz.copy()
    run = watched(network.layers, x, dz, schedule)
    np.testing.assert_array_equal(run.dx, dx)
    np.testing.assert_array_equal(network.dtheta, dtheta)
    np.testing.assert_array_equal((x, dz), before)
    assert run.kinds.count("b") == 6 and len(run.bytes) == len(run.kinds)
    assert len(run.again) == len(run.kinds) and sum(run.again) == run.forwards - 6


@pytest.mark.parametrize("segments", [1, 4, 16])
def test_segments_keep_their_inputs_and_one_of_them_whole(segments):
    layers, x, dz = tower(16)
    run = watched(layers, x, dz, in_segments(segments))
    assert run.forwards == 33 - segments - 16 // segments
    assert arrays(run.peak, x.nbytes) == segments + 16 // segments + 3
    network = measure(Checkpointed(layers, segments), x, dz, 1)
    assert network.peak + x.nbytes == pytest.approx(run.peak, rel=0.03)


def test_shrinking_segments_keep_no_more_than_asked_and_hold_a_triangle():
    assert shrinking(6, 3) == [3, 2, 1] and shrinking(5, 3) == [3, 2] and shrinking(4, 3) == [2, 2]
    for n in range(1, 60):
        for kept in range(1, 12):
            if kept * (kept + 1) // 2 < n:
                with pytest.raises(ValueError, match=f"kept is {kept}, too few for {n} layers"):
                    shrinking(n, kept)
                continue
            lengths = shrinking(n, kept)
            assert sum(lengths) == n and min(lengths) >= 1 and most_kept(lengths) <= kept
    layers, x, dz = tower(16)
    run = watched(layers, x, dz, cut_into(shrinking(16, 6)))
    assert most_kept(shrinking(16, 6)) == 6 and arrays(run.peak, x.nbytes) == 10
    with pytest.raises(ValueError, match="add up to 16"):
        cut_into([8, 7])(Chain(layers, dz), x)


@pytest.mark.parametrize("snapshots", [1, 2, 3, 5])
def test_snapshots_are_never_more_than_allowed(snapshots):
    layers, x, dz = tower(16)
    run = watched(layers, x, dz, binomial(snapshots))
    assert run.forwards == 1 + advances(16, snapshots)
    assert arrays(run.peak, x.nbytes) == snapshots + 5  # the layer's own input and four at work


def test_the_fewest_advances_are_those_of_griewank_and_walther():
    for snapshots in range(1, 7):
        for n in range(1, 41):
            most = next(r for r in range(40) if comb(snapshots + r, snapshots) >= n)
            assert advances(n, snapshots) == most * n - comb(snapshots + most, snapshots + 1)
    assert advances(7, 1) == 21 and first_cut(7, 1) == 6
    assert advances(7, 9) == 6


def fewest_of_all(n, kept):
    """Return the fewest evaluations of any schedule, by Dijkstra's search over all that is kept."""
    start = frozenset([0]), n, False  # kept inputs, layers that are left, is the output known?
    best, queue, number = {start: 0}, [(0, 0, start)], count(1)
    while queue:
        cost, _, (inputs, left, out) = heappop(queue)
        if not left:
            return cost
        if cost > best[inputs, left, out]:
            continue
        reached = []
        if out and left - 1 in inputs:
            reached.append((0, (inputs - {left - 1}, left - 1, out)))
        for i in inputs:
            if i == n - 1 and not out:
                reached.append((1, (inputs, left, True)))
            elif i + 1 < left and i + 1 not in inputs:
                dropped = [inputs] * (len(inputs) < kept) + [inputs - {j} for j in inputs]
                reached += [(1, (some | {i + 1}, left, out)) for some in dropped]
        for more, state in reached:
            if cost + more < best.get(state, 10**6):
                best[state] = cost + more
                heappush(queue, (cost + more, next(number), state))
    raise AssertionError("no schedule reaches the first layer")


def test_no_schedule_whatever_takes_fewer_evaluations():
    for n in range(1, 9):
        for kept in range(2, n + 1):
            found = fewest_of_all(n, kept)
            assert found == 1 + advances(n, kept - 1)
            # Each input that is missing when the way back begins is computed again.
            assert (found == 2 * n - kept) == (kept * (kept + 1) // 2 >= n)


def test_segments_and_snapshots_are_one_family():
    layers, x, dz = tower(20)

    def used(schedule):
        return watched(layers, x, dz, schedule).forwards

    assert used(in_segments(1)) == 20 == 1 + advances(20, 19)
    for snapshots in range(1, 8):
        assert used(binomial(snapshots)) == 1 + advances(20, snapshots)
    for kept in range(6, 20):  # up to 6 · 7 / 2 layers, each evaluated twice at most
        assert used(cut_into(shrinking(20, kept))) == 1 + advances(20, kept - 1) == 40 - kept
    assert used(cut_into([6, 5, 4, 3, 2])) == 1 + advances(20, 5) == 34


def test_no_cut_of_a_tower_repeats_fewer_dense_layers():
    def repeated(schedule, n):
        walks = [range(*walk) for moment in moments(schedule, n) for walk in moment.walks]
        return sum(i % 2 == 0 for walk in walks for i in walk) - n // 2

    n, least = 12, {}
    for bits in range(2 ** (n - 1)):  # a cut or none after each layer
        cuts = [0, *(i + 1 for i in range(n - 1) if bits >> i & 1), n]
        lengths = [j - i for i, j in pairwise(cuts)]
        found = repeated(cut_into(lengths), n)
        least.setdefault(most_kept(lengths), []).append(found)
    for kept, found in least.items():
        more = dense_again(n, kept - 1) - n // 2
        assert more == min(found) if kept > 5 else more <= min(found)
    assert dense_again(n, 6) == 6 and repeated(cut_into([1, 2, 2, 2, 2, 2, 1]), n) == 0


@pytest.mark.parametrize(
    ("schedule", "most"),
    [
        *((binomial(s), min(s + 1, 20)) for s in (1, 2, 3, 19)),
        *((cut_into(shrinking(20, kept)), kept) for kept in (6, 9)),
        (in_segments(4), 8),
        (in_segments(1), 20),
    ],
)
def test_moments_are_those_of_the_schedule_that_runs(schedule, most):
    layers, x, dz = tower(20, 4, 2)
    found = moments(schedule, 20)
    assert [moment.layer for moment in found] == [*range(19, -1, -1)]
    assert max(len(moment.kept) for moment in found) == most
    assert all(moment.kept[0] == 0 and moment.kept[-1] == moment.layer for moment in found)
    walked = sum(j - i for moment in found for i, j in moment.walks)
    assert walked == watched(layers, x, dz, schedule).forwards
    # A walk begins where an input is kept, and none is needed that is kept already.
    for before, moment in pairwise(found):
        reached = {i for first, last in moment.walks for i in range(first, last + 1)}
        assert {*moment.kept} - {*before.kept} <= reached
        assert not moment.walks or moment.walks[0][0] in before.kept


def test_a_chain_says_what_is_wrong():
    network, x, dz, *_ = problem()
    with pytest.raises(RuntimeError, match="layer 5 has kept nothing"):
        Chain(network.layers, dz).back(0, 6)
    for make in (in_segments, binomial):
        with pytest.raises(ValueError, match="is 0"):
            make(0)
    tracemalloc.start()
    try:
        with pytest.raises(RuntimeError, match="tracing already"):
            watched(network.layers, x, dz, in_segments(2))
    finally:
        tracemalloc.stop()
    assert not tracemalloc.is_tracing()


def test_without_watching_a_chain_notes_the_calls_alone():
    network, x, dz, *_ = problem()
    chain = Chain(network.layers, dz)
    in_segments(2)(chain, x)
    assert chain.kinds.decode() == "aaafffbbbffbbb" and not len(chain.bytes)
    assert [i for i, again in enumerate(chain.again) if again] == [9, 10]


@pytest.mark.parametrize("schedule", [in_segments(1), in_segments(4), binomial(1), binomial(3)])
def test_the_layers_count_the_calls_that_the_chain_notes(schedule):
    layers, x, dz = tower(20, 4, 2)
    with counting(layers) as calls:
        run = watched(layers, x, dz, schedule)
    found = moments(schedule, 20)
    walked = [range(*walk) for moment in found for walk in moment.walks]
    assert [calls[i] for i in range(20)] == [sum(i in walk for walk in walked) for i in range(20)]
    assert calls.total() == run.forwards
    layers[0].forward(x)
    assert calls.total() == run.forwards and not any("forward" in vars(layer) for layer in layers)


def test_a_layer_that_needs_more_than_its_input_is_called():
    layers = [Dense(3, 3, rng=np.random.default_rng(0)), Dropout(0.5, rng=np.random.default_rng(1))]
    with counting(layers) as calls:
        in_segments(2)(Chain(layers, np.ones((5, 3))), np.ones((5, 3)))
    assert calls == {0: 1, 1: 1}  # the first is given its input alone, the second makes the output
    layers.reverse()
    with counting(layers) as calls:
        in_segments(2)(Chain(layers, np.ones((5, 3))), np.ones((5, 3)))
    assert calls == {0: 2, 1: 1}


def test_the_times_are_those_of_the_page(tmp_path, monkeypatch):
    least, middle, most = stored()["slower"]
    assert 1.3 < least < middle < most < 1.5
    monkeypatch.setattr(chains, "slower", lambda: slower(3))
    chains.main([str(tmp_path / "file")])
    found = json.loads((tmp_path / "file").read_text())
    assert found["rounds"] == 3 and found.keys() == stored().keys() and min(found["slower"]) > 0
