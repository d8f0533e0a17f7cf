"""A model without a part: right gradients, the same start, what is stored, and one mistake."""

import json
from dataclasses import asdict, replace

import numpy as np
import pytest

from backprop.autodiff import gradcheck
from backprop.book import ablation, language
from backprop.book.ablation import LONGER, PARTS, RUNS

TINY = language.Settings(
    width=8, blocks=2, heads=2, hidden=6, length=5, batch=3, steps=6, rate=0.01, warmup=1
)
TOKENS = 7


def model(part):
    rng = np.random.default_rng(0)
    whole = language.transformer(TOKENS, TINY, rng, np.float64)
    x, y = rng.integers(TOKENS, size=(2, TINY.batch, TINY.length))
    return PARTS[part](whole, 0), x, y


@pytest.mark.parametrize("part", PARTS)
def test_the_gradients_of_what_is_left_are_right(part):
    network, x, y = model(part)
    assert gradcheck.check_network(network, language.PerCharacter(), x, y).ok


@pytest.mark.parametrize("part", PARTS)
def test_no_later_letter_is_seen(part):
    network, x, _ = model(part)
    before = network.forward(x).copy()
    x[:, 3] = (x[:, 3] + 1) % TOKENS
    after = network.forward(x)
    np.testing.assert_array_equal(before[:, :3], after[:, :3])
    assert (before[:, 3:] != after[:, 3:]).any(axis=-1).all()


def test_only_the_part_is_taken_out():
    whole, x, _ = model("nothing")
    untied, unturned, ungated = (model(part)[0] for part in ("tying", "turning", "gate"))
    z = whole.forward(x).copy()
    np.testing.assert_allclose(untied.forward(x), z, rtol=1e-12)
    table = TOKENS * TINY.width
    assert untied.theta.size == whole.theta.size + table
    np.testing.assert_array_equal(unturned.theta, whole.theta)
    # The first letter has no other to look at, so no turn matters there.
    without = unturned.forward(x)
    np.testing.assert_allclose(without[:, 0], z[:, 0], rtol=1e-12)
    assert (np.abs(without - z)[:, 1:] > 1e-3).any()
    assert ungated.theta.size == whole.theta.size
    np.testing.assert_array_equal(ungated.theta[:table], whole.theta[:table])


def test_the_mistake_is_that_of_one_path():
    network, x, y = model("nothing")
    found = RUNS["one share"](network, 0)
    report = gradcheck.check_network(found, language.PerCharacter(), x, y)
    wrong = {row.argument for row in report.rows if not row.error <= row.tolerance}
    assert wrong == {"tied1.embedding1.W"} and not set(RUNS) - set(PARTS) - {"one share"}


def test_without_turns_one_block_cannot_tell_the_order_of_earlier_letters():
    rng = np.random.default_rng(0)
    one = language.transformer(TOKENS, replace(TINY, blocks=1), rng, np.float64)
    x = np.array([[1, 2, 3, 4]])
    moved = x[:, [1, 0, 2, 3]]
    assert not np.allclose(one.forward(x)[:, -1], one.forward(moved)[:, -1])
    plain = ablation.unturned(one, 0)
    np.testing.assert_allclose(plain.forward(x)[:, -1], plain.forward(moved)[:, -1], rtol=1e-12)
    # With two, the second attends to what the first has collected under the mask.
    two = ablation.unturned(language.transformer(TOKENS, TINY, rng, np.float64), 0)
    assert not np.allclose(two.forward(x)[:, -1], two.forward(moved)[:, -1])


def test_the_command_stores_each_part_and_seed(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(ablation, "LONGER", TINY)
    monkeypatch.setattr(ablation, "SEEDS", 2)
    monkeypatch.setattr(ablation, "bits", lambda *given: 1.0)
    ablation.main([str(tmp_path / "found.json")])
    assert "gate, seed 1: 1.000 bits" in capsys.readouterr().out
    found = json.loads((tmp_path / "found.json").read_text())
    assert found["settings"] == asdict(TINY) and found.keys() == ablation.stored().keys()
    for part in RUNS:
        assert found["bits"][part] == [1.0, 1.0] and np.shape(found["first"][part]) == (2, 5)
    # Tied or not, the first step is the same.
    assert found["first"]["tying"][0][0] == found["first"]["nothing"][0][0]


@pytest.mark.parametrize("part", RUNS)
def test_the_stored_runs_are_those_of_the_command(part):
    found = ablation.stored()
    assert found["settings"] == asdict(LONGER)
    assert np.shape(found["bits"][part]) == (ablation.SEEDS,)
    for seed in (0, ablation.SEEDS - 1):
        run = ablation.training(part, seed)
        first = [run.step() for _ in range(ablation.FIRST)]
        np.testing.assert_allclose(first, found["first"][part][seed], atol=2e-3)
        assert run.network.theta.size == found["parameters"][part]
