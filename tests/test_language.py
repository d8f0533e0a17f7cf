"""The language model: every gradient, PyTorch's as well, its training, its stored runs."""

import json
from dataclasses import asdict, replace

import autograd
import autograd.numpy as anp
import numpy as np
import pytest

from backprop.autodiff import gradcheck
from backprop.book import language
from backprop.book.alice import letters
from backprop.book.counting import KneserNey
from backprop.book.language import LARGE, SMALL, OnePath, PerCharacter, Settings, Training
from backprop.training.state import CheckpointError, fingerprint

TINY = Settings(8, 2, 2, 6, length=5, batch=3, steps=12, rate=1e-2, warmup=3)
TOKENS = 7


def tiny(seed=0, dtype=np.float64, s=TINY):
    rng = np.random.default_rng(seed)
    network = language.transformer(TOKENS, s, rng, dtype)
    for name, value in network.parameters.items():
        if name.endswith(("gamma", "b_qkv", "b_o")):
            value += rng.normal(0, 0.3, value.shape)
    return network, *rng.integers(TOKENS, size=(2, 3, s.length))


def gradients(network, x, y):
    loss = PerCharacter()
    value = loss.forward(network.forward(x), y)
    network.backward_parameters(loss.backward())
    return value


def test_every_gradient_against_both_judges():
    network, x, y = tiny(s=replace(TINY, width=4, hidden=3, blocks=1))
    gradcheck.check_network(network, PerCharacter(), x, y).raise_if_off()
    network, x, y = tiny(1)
    gradients(network, x, y)
    mine = network.dtheta.copy()
    for seed in range(5):
        r = np.random.default_rng(seed).normal(size=mine.shape)
        phi = gradcheck.along(network, PerCharacter(), x, y, r)
        assert gradcheck.complex_step(phi, np.array(0.0)) == pytest.approx(mine @ r, rel=1e-12)


def plain(parts, x, y, s, lib=np):
    """Write the whole model down once more, from its formulas."""

    def norm(h, gamma):
        return h / lib.sqrt(lib.mean(h**2, axis=-1, keepdims=True) + 1e-5) * gamma

    def turned(q):
        d = q.shape[-1]
        angle = np.arange(q.shape[-2])[:, None] * 10_000.0 ** (-np.arange(0, d, 2) / d)
        a, b = q[..., : d // 2], q[..., d // 2 :]
        return lib.concatenate(
            [a * np.cos(angle) - b * np.sin(angle), a * np.sin(angle) + b * np.cos(angle)], -1
        )

    parts = iter(parts)
    W = next(parts)
    h = W[x]
    batch, time, d = h.shape
    for _ in range(s.blocks):
        gamma, W_qkv, b_qkv, W_o, b_o = (next(parts) for _ in range(5))
        qkv = lib.dot(norm(h, gamma), W_qkv) + b_qkv
        q, k, v = (
            lib.transpose(
                qkv[..., j * d : (j + 1) * d].reshape((batch, time, s.heads, -1)), (0, 2, 1, 3)
            )
            for j in range(3)
        )
        scores = lib.einsum("bhic,bhjc->bhij", turned(q), turned(k)) / np.sqrt(d // s.heads)
        e = lib.exp(scores) * np.tri(time)
        o = lib.einsum("bhij,bhjc->bhic", e / lib.sum(e, axis=-1, keepdims=True), v)
        h = h + lib.dot(lib.transpose(o, (0, 2, 1, 3)).reshape((batch, time, d)), W_o) + b_o
        gamma, W_g, W_u, W_o = (next(parts) for _ in range(4))
        a = norm(h, gamma)
        g = lib.dot(a, W_g)
        h = h + lib.dot(g / (1 + lib.exp(-g)) * lib.dot(a, W_u), W_o)
    z = lib.dot(norm(h, next(parts)), W.T)
    z = z - lib.log(lib.sum(lib.exp(z), axis=-1, keepdims=True))
    return -lib.mean(lib.sum(z * np.eye(len(W))[y], axis=-1))


def test_every_gradient_against_autograd():
    network, x, y = tiny()
    parts = list(network.parameters.values())
    assert gradients(network, x, y) == pytest.approx(plain(parts, x, y, TINY), rel=1e-13)
    theirs = autograd.grad(lambda parts: plain(parts, x, y, TINY, anp))(parts)
    for name, mine, its in zip(network.gradients, network.gradients.values(), theirs, strict=True):
        np.testing.assert_allclose(mine, its, rtol=0, atol=1e-13 + 1e-12 * np.abs(its).max(),
                                   err_msg=name)  # fmt: skip


def in_torch(torch, parameters, x, y, s):
    """Return the same model's logits and loss, from PyTorch's own functions."""
    F = torch.nn.functional
    parts = iter(parameters)
    W = next(parts)
    h = F.embedding(torch.tensor(x), W)
    batch, time, d = h.shape
    each = d // s.heads
    angle = np.arange(time)[:, None] * 10_000.0 ** (-np.arange(0, each, 2) / each)
    cos, sin = torch.tensor(np.cos(angle)), torch.tensor(np.sin(angle))

    def turn(q):
        a, b = q.chunk(2, -1)
        return torch.cat([a * cos - b * sin, a * sin + b * cos], -1)

    for _ in range(s.blocks):
        gamma, W_qkv, b_qkv, W_o, b_o = (next(parts) for _ in range(5))
        qkv = F.linear(F.rms_norm(h, (d,), gamma, 1e-5), W_qkv.T, b_qkv)
        q, k, v = (p.view(batch, time, s.heads, each).transpose(1, 2) for p in qkv.chunk(3, -1))
        o = F.scaled_dot_product_attention(turn(q), turn(k), v, is_causal=True)
        h = h + F.linear(o.transpose(1, 2).reshape(batch, time, d), W_o.T, b_o)
        gamma, W_g, W_u, W_o = (next(parts) for _ in range(4))
        a = F.rms_norm(h, (d,), gamma, 1e-5)
        h = h + F.linear(F.silu(a @ W_g) * (a @ W_u), W_o.T)
    z = F.rms_norm(h, (d,), next(parts), 1e-5) @ W.T
    return z, F.cross_entropy(z.reshape(-1, len(W)), torch.tensor(y).reshape(-1))


@pytest.mark.parametrize("seed", range(3))
def test_the_same_logits_and_gradients_as_torch(seed):
    torch = pytest.importorskip("torch", reason="peers: install torch to compare the whole model")
    network, x, y = tiny(seed)
    theirs = [torch.tensor(p, requires_grad=True) for p in network.parameters.values()]
    z, value = in_torch(torch, theirs, x, y, TINY)
    value.backward()
    np.testing.assert_allclose(network.forward(x), z.detach().numpy(), rtol=0, atol=1e-10)
    assert gradients(network, x, y) == pytest.approx(value.item(), abs=1e-10)
    for mine, its in zip(network.gradients.values(), theirs, strict=True):
        np.testing.assert_allclose(mine, its.grad.numpy(), rtol=0, atol=1e-10)


def test_a_later_character_moves_no_earlier_score():
    network, x, _ = tiny()
    before = network.forward(x).copy()
    x[:, 3] = (x[:, 3] + 1) % TOKENS
    after = network.forward(x)
    np.testing.assert_array_equal(before[:, :3], after[:, :3])
    assert (before[:, 3:] != after[:, 3:]).any(axis=-1).all()


def test_the_loss_is_the_mean_over_all_characters():
    z, y = np.random.default_rng(0).normal(size=(2, 3, 4)), np.array([[0, 1, 2], [3, 3, 0]])
    loss = PerCharacter()
    p = np.exp(z) / np.exp(z).sum(axis=-1, keepdims=True)
    direct = -np.log(np.take_along_axis(p, y[..., None], -1)).mean()
    assert loss.forward(z, y) == pytest.approx(direct) and loss.weight(y) == 6
    assert loss.backward().shape == z.shape
    flat = gradcheck.complex_step(lambda t: loss.forward(t, y), z)
    loss.forward(z, y)
    np.testing.assert_allclose(loss.backward(), flat, atol=1e-14)


def test_one_path_leaves_out_the_other():
    network, x, y = tiny(s=replace(TINY, blocks=1))
    gradients(network, x, y)
    whole = {name: g.copy() for name, g in network.gradients.items()}
    network, x, y = tiny(s=replace(TINY, blocks=1))
    wrong = language.one_path(network)
    loss = PerCharacter()
    loss.forward(wrong.forward(x), y)
    dz = loss.backward()
    wrong.backward_parameters(dz)
    assert isinstance(wrong.layers[0], OnePath)
    share = np.einsum("btk,btd->kd", dz, wrong.layers[0].h)
    for (name, right), found in zip(whole.items(), wrong.gradients.values(), strict=True):
        if name.endswith("embedding1.W"):
            assert np.abs(found - right).max() > 1e-3
            np.testing.assert_allclose(found, share, rtol=1e-12, atol=1e-15)
        else:
            np.testing.assert_array_equal(found, right)
    report = gradcheck.check_network(wrong, PerCharacter(), x, y)
    off = {row.argument for row in report.rows if not row.error <= row.tolerance}
    assert off == {"tied1.embedding1.W"}


def test_bits_are_those_of_each_character_read_with_half_a_window_or_more():
    run = Training(TINY, 0)
    run.network.train(False)
    text = letters().validation[:29]
    at = []
    for start in range(0, 24, 2):
        window = text[start : start + 6]
        z = run.network.forward(window[None, :5])[0].astype(float)
        log_p = z - np.log(np.exp(z).sum(axis=-1, keepdims=True))
        at += [-log_p[t, window[t + 1]] / np.log(2) for t in (3, 4)]
    np.testing.assert_allclose(-np.log2(language.chances(run.network, text, 5)), at, rtol=1e-5)
    assert language.bits(run.network, text, 5) == pytest.approx(np.mean(at), rel=1e-5)
    np.testing.assert_array_equal(language.asked(text, 5), np.arange(4, 28))
    assert run.network.training is False


def test_a_second_of_training_beats_pairs_of_letters():
    run = Training(SMALL, 0)
    network = run.finish()
    assert run.optimizer.steps == SMALL.steps and run.optimizer.learning_rate < 1e-3
    assert language.bits(network, letters().validation, SMALL.length) < 3.3
    after = language.next_letter(network, SMALL.length)
    text = language.continued(after, letters().alphabet, "Alice", 20, np.random.default_rng(0))
    assert text.startswith("Alice") and len(text) == 25


def test_a_low_temperature_takes_the_likeliest():
    network = Training(TINY, 0).network
    network.train(False)
    alphabet = letters().alphabet
    after = language.next_letter(network, 3, 1e-3)
    text = language.continued(after, alphabet, "Al", 5, np.random.default_rng(0))
    for t in range(2, 7):
        z = network.forward(alphabet.encode(text[max(0, t - 3) : t])[None])[0, -1]
        assert alphabet.decode([z.argmax()]) == text[t]


def test_a_run_that_is_stopped_goes_on_where_it_was(tmp_path, monkeypatch):
    monkeypatch.setattr(language, "LOOKS", 4)
    monkeypatch.setattr(language, "bits", lambda *given: 1.0)
    s = TINY
    whole, curve = language.learned(s, 3)
    path, step = tmp_path / "run.npz", Training.step
    taken = []

    def killed(run):
        if len(taken) == 7:
            raise KeyboardInterrupt
        taken.append(1)
        return step(run)

    monkeypatch.setattr(Training, "step", killed)
    with pytest.raises(KeyboardInterrupt):
        language.learned(s, 3, path)
    monkeypatch.setattr(Training, "step", step)
    again, continued = language.learned(s, 3, path)
    np.testing.assert_array_equal(again.network.theta, whole.network.theta)
    assert continued.rows == curve.rows and continued.first == curve.first
    assert [row[0] for row in curve.rows] == [3, 6, 9, 12] and len(curve.first) == 5
    with pytest.raises(CheckpointError, match="seed is"):
        language.learned(s, 4, path)
    with pytest.raises(CheckpointError, match="settings is"):
        language.learned(replace(s, rate=0.02), 3, path)


def test_the_command_trains_and_collects(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(language, "LARGE", TINY)
    monkeypatch.setattr(language, "LOOKS", 2)
    data = letters()
    counts = KneserNey(data.train[:1_000], len(data.alphabet), 2, 0.9)
    found = {"Kneser-Ney": language.Counted(counts, np.zeros(3))}
    monkeypatch.setattr(language, "counted", lambda: found)
    runs = [tmp_path / f"{k}.npz" for k in range(2)]
    for seed, path in enumerate(runs):
        language.main(["--seed", str(seed), "--checkpoint", str(path),
                       "--weights", str(tmp_path / "w.npz")])  # fmt: skip
    assert "step     12: " in capsys.readouterr().out
    language.main(["--collect", str(tmp_path / "all.json"), *map(str, runs)])
    found = json.loads((tmp_path / "all.json").read_text())
    assert found["steps"] == [6, 12] and len(found["validation"]) == 2
    assert found["settings"] == asdict(TINY)
    assert np.shape(found["mixed"]) == (2, 2, len(language.WEIGHTS))
    last = [row[-1] for row in found["validation"]]
    alone = np.mean(found["mixed"], axis=1)[:, -1]
    np.testing.assert_allclose(alone, last, atol=2e-4)
    assert np.shape(found["kinds"]) == (2, 2, 3)
    with np.load(tmp_path / "w.npz") as file:
        assert file["theta"].dtype == np.float16


def test_the_stored_curves_are_those_of_the_command():
    found = language.stored()
    assert found["settings"] == asdict(LARGE)
    assert found["text"] == fingerprint(letters().train)
    assert found["steps"][-1] == LARGE.steps and len(found["steps"]) == language.LOOKS
    assert np.shape(found["validation"]) == (10, language.LOOKS)
    assert np.shape(found["kinds"]) == (10, 2, 3)
    assert np.shape(found["mixed"]) == (10, 2, len(language.WEIGHTS))
    alone = np.mean(found["mixed"], axis=1)[:, -1]
    np.testing.assert_allclose(alone, np.array(found["validation"])[:, -1], atol=2e-4)
    run = Training(LARGE, 0)
    np.testing.assert_allclose([run.step() for _ in range(5)], found["first"], atol=2e-3)


def test_the_stored_weights_are_those_of_the_first_run():
    network = language.stored_model()
    assert len(network.theta) == len(Training(LARGE, 0).network.theta)
    last = language.stored()["validation"][0][-1]
    # Rounded to 16 bits, and measured on another CPU.
    assert language.bits(network, letters().validation, LARGE.length) == pytest.approx(
        last, abs=0.01
    )
    text = letters().validation
    counts = language.counted()["Kneser-Ney"].best.probabilities(text)
    found = language.mixed(
        language.chances(network, text, LARGE.length), counts[language.asked(text, LARGE.length)]
    )
    np.testing.assert_allclose(found, language.stored()["mixed"][0], atol=0.01)


def test_a_mixture_is_scored_in_halves_and_each_chooses_for_the_other():
    one, other = np.array([0.5, 1 / 32, 0.9, 0.9]), np.array([1 / 32, 0.5, 0.1, 0.1])
    found = language.mixed(one, other)
    assert found.shape == (2, len(language.WEIGHTS))
    np.testing.assert_allclose(found[:, 0], [3, np.log2(10)])
    np.testing.assert_allclose(found[:, -1], [3, -np.log2(0.9)])
    np.testing.assert_allclose(found[0, 10], np.log2(64 / 17))
    chosen, value = language.crossed(found)
    np.testing.assert_allclose(chosen, [0.5, 1])
    assert value == pytest.approx((3 + 1) / 2)  # the second's at 1/2 is log2 2


def test_a_pool_learns_its_weights_on_the_other_half():
    ps = np.random.default_rng(0).uniform(0.05, 0.5, size=(3, 400))
    ps[0, :200], ps[1, 200:] = 0.9, 0.9  # the best model of one half is poor on the other
    found = language.pooled(ps)
    np.testing.assert_allclose(found[:200], ps[1, :200], atol=1e-3)
    np.testing.assert_allclose(found[200:], ps[0, 200:], atol=1e-3)
    np.testing.assert_allclose(language.pooled(ps, 0), ps.mean(axis=0))
    # Of two models it finds about what the best weight on a grid does.
    one, other = np.random.default_rng(1).uniform(0.05, 0.9, size=(2, 2000))
    bits = -np.log2(language.pooled(np.array([one, other]))).mean()
    assert bits == pytest.approx(language.crossed(language.mixed(one, other))[1], abs=0.005)


def test_letters_are_of_three_kinds():
    assert "".join(map(str, language.kinds("it's a\nBee."))) == "0120202" + "0112"
    found = language.by_kind(np.array([0.5, 0.25, 0.125, 1.0]), np.array([0, 1, 1, 2]))
    np.testing.assert_allclose(found, [1, 2.5, 0])


def test_the_stored_kinds_are_those_of_the_first_run_and_make_up_its_mean():
    text, data = letters().validation, letters()
    at = language.asked(text, LARGE.length)
    kind = language.kinds(data.alphabet.decode(text))[at]
    p = language.chances(language.stored_model(), text, LARGE.length)
    counts = language.counted()["Kneser-Ney"].best.probabilities(text)[at]
    w = language.SHARE
    found = [language.by_kind(q, kind) for q in (p, w * p + (1 - w) * counts)]
    np.testing.assert_allclose(found, language.stored()["kinds"][0], atol=0.01)
    part = np.bincount(kind) / len(kind)
    halves = np.array(language.stored()["mixed"]).mean(axis=1)
    both = np.array(language.stored()["kinds"]) @ part
    at_share = np.flatnonzero(np.isclose(language.WEIGHTS, w))[0]
    np.testing.assert_allclose(both, halves[:, [-1, at_share]], atol=3e-4)
