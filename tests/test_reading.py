"""What is stored of two sentences is what the stored model and counting say of them."""

import numpy as np
import pytest

from backprop.activations import softmax
from backprop.book import language, reading
from backprop.book.alice import letters
from backprop.book.language import Settings

TINY = Settings(8, 2, 2, 6, length=5, batch=1, steps=1, rate=0.1, warmup=1)
FOUND = reading.stored()


@pytest.fixture(scope="module")
def tiny():
    network = language.transformer(7, TINY, np.random.default_rng(0), np.float64)
    network.train(False)
    return network, np.array([1, 5, 0, 2, 2, 6])


def test_errors_are_those_of_one_prediction(tiny):
    network, numbers = tiny
    x, y = numbers[:-1], numbers[1:]
    errors, weights = reading.reach(network, numbers)
    W = network.parameters["tied1.embedding1.W"].copy()
    assert errors.shape == (5, 5) and weights.shape == (2, 5, 5)
    assert not np.triu(errors, 1).any() and not np.triu(weights, 1).any()
    np.testing.assert_allclose(weights.sum(axis=-1), 1)
    # Move the vector of one place alone, by an embedding with a row for each place.
    for t, s, i in ((2, 0, 3), (4, 4, 1), (3, 1, 0)):
        slopes = []
        for j in range(8):
            values = []
            for step in (1e-6, -1e-6):
                h = W[x][None].copy()
                h[0, s, j] += step
                for layer in network.layers[0].layers[1:]:
                    h = layer.forward(h)
                values.append(-np.log(softmax(h[0, t] @ W.T)[y[t]]))
            slopes.append((values[0] - values[1]) / 2e-6)
        assert errors[t, s] == pytest.approx(np.linalg.norm(slopes), rel=1e-5), i


def test_looking_leaves_no_watcher_behind(tiny):
    network, numbers = tiny
    reading.reach(network, numbers)
    assert network.watch(None) is None


def test_shades_are_shares_of_the_largest():
    assert reading.shades(np.array([0.0, 0.52, 1.0, 0.04])) == "0590"


@pytest.mark.parametrize("name", FOUND)
def test_what_is_stored_has_an_entry_for_each_letter(name):
    data = FOUND[name]
    n = len(data["text"])
    assert data["text"] == reading.SENTENCES[name] and data["text"] in language_text()
    assert list(data["models"]) == ["model", "model, last 9 letters", *language.read_beside()]
    for model in data["models"].values():
        assert len(model["letters"]) == len(model["p"]) == len(model["came"]) == n
        for row, p in zip(model["letters"], model["p"], strict=True):
            assert len(row) == len(p) == reading.TOP and p == sorted(p, reverse=True)
            assert sum(p) <= 1.005
    for rows in (data["error"], *data["attention"]):
        assert [len(row) for row in rows] == [len(reading.BEGIN) + k for k in range(n)]
        assert all("9" in row for row in rows)


def language_text():
    data = letters()
    return data.alphabet.decode(data.validation)


@pytest.mark.parametrize("name", FOUND)
def test_what_is_stored_is_what_the_models_say(name):
    data, alphabet = FOUND[name], letters().alphabet
    numbers = alphabet.encode(data["begin"] + data["text"])
    p = reading.expected(language.stored_model(), numbers[:-1])[len(data["begin"]) - 1 :]
    came = p[np.arange(len(p)), numbers[len(data["begin"]) :]]
    np.testing.assert_allclose(came, data["models"]["model"]["came"], rtol=0.02)
    near = language.scores(language.stored_model(), numbers[None, 13:22])[0, -1]
    kept = data["models"]["model, last 9 letters"]
    p = softmax(near[None])[0]
    assert p[numbers[22]] == pytest.approx(kept["came"][22 - len(data["begin"])], rel=0.02)
    for label, count in language.read_beside().items():
        for k in (0, 7, 20):
            after = count.after(numbers[: len(data["begin"]) + k])
            kept = data["models"][label]
            assert after.max() == pytest.approx(kept["p"][k][0], abs=0.001)
            assert after[numbers[len(data["begin"]) + k]] == pytest.approx(
                kept["came"][k], rel=0.01
            )
    errors, _ = reading.reach(language.stored_model(), numbers)
    k = 20
    t = len(data["begin"]) - 1 + k
    mine = np.array(list(map(int, data["error"][k])))
    np.testing.assert_allclose(mine, 9 * errors[t, : t + 1] / errors[t].max(), atol=0.6)
