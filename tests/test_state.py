"""Checkpoints: whole or not at all, the same to the last bit, and a clear no to anything else."""

import io
import json
import os
import pickle
import signal
import stat
import subprocess
import sys
import time
import tracemalloc
import warnings
import zipfile
from pathlib import Path

import numpy as np
import pytest

from backprop.layers import RNN, Add, BatchNorm, Conv2d, Dense, Dropout, ReLU, Residual, Tanh
from backprop.losses import Huber, MeanSquaredError, SoftmaxCrossEntropy
from backprop.network import Graph, Sequential
from backprop.optimizers import SGD, Adam, AdamW, Momentum
from backprop.randomness import generator_state, set_generator_state
from backprop.schedules import Constant, Cosine, ReduceOnPlateau, Warmup
from backprop.training import fit, state
from backprop.training.state import CheckpointError, describe, load, save

EPOCHS = 6


def build(seed=0, *, hidden=6, p=0.4, phi=Tanh, dtype=np.float64):
    rng = np.random.default_rng(seed)
    k = dict(rng=rng, dtype=dtype)
    return Sequential(
        [
            Dense(5, hidden, **k), BatchNorm(hidden, dtype=dtype), phi(),
            Residual([Dense(hidden, hidden, **k), Dropout(p, rng=np.random.default_rng(seed + 1))]),
            Dense(hidden, 3, **k),
        ]
    )  # fmt: skip


def data(n=50):
    rng = np.random.default_rng(7)
    x = rng.normal(size=(n, 5))
    return x, rng.integers(3, size=n)


def run(path=None, *, seed=0, network=None, optimizer=None, epochs=EPOCHS, **options):
    network = network or build(seed)
    optimizer = optimizer or Adam(network, 0.01)
    x, y = data()
    options = dict(
        rng=np.random.default_rng(seed + 2),
        schedule=ReduceOnPlateau(0.05, patience=0, threshold=0.5),
        batch_size=8,
        validation=data(20),
        loss=SoftmaxCrossEntropy(),
        x=x,
        y=y,
    ) | options  # fmt: skip
    history = fit(network, optimizer=optimizer, epochs=epochs, checkpoint=path, **options)
    return network, history, optimizer


class Killed(BaseException):
    """Not an Exception: nothing on the way may catch it."""


def test_a_run_broken_off_anywhere_and_resumed_ends_in_the_same_bits(tmp_path):
    whole, history, optimizer = run()
    total = optimizer.steps
    rng = np.random.default_rng(0)
    for case, at in enumerate([1, *rng.integers(2, total, 5), total]):
        path = tmp_path / f"{case}.npz"

        def stop(step, at=at):
            if step.steps == at:
                raise Killed

        with pytest.raises(Killed):
            run(path, observe=stop, every=2)
        # another seed: all that counts must come from the file
        fresh = 50 if path.exists() else 0
        resumed, again, other = run(path, seed=fresh, every=2, resume=True)
        assert resumed.theta.tobytes() == whole.theta.tobytes()
        assert again == history
        for name, value in optimizer.state().items():
            assert other.state()[name].tobytes() == value.tobytes()
        for name, value in whole.state().items():
            assert resumed.state()[name].tobytes() == value.tobytes()


def test_longer_training_goes_on_from_a_finished_run(tmp_path):
    path = tmp_path / "run.npz"
    whole, history, _ = run(epochs=7)
    run(path, epochs=3)
    finished, short, _ = run(path, epochs=3, seed=9, resume=True)
    assert len(short.loss) == 3
    longer, again, _ = run(path, epochs=7, seed=9, resume=True)
    assert longer.theta.tobytes() == whole.theta.tobytes() and again == history
    assert not np.array_equal(finished.theta, longer.theta)
    fresh = build(9)
    before = fresh.theta.copy()
    with pytest.raises(CheckpointError, match="it is that of 7 epochs, epochs is 5"):
        run(path, epochs=5, network=fresh, resume=True)
    np.testing.assert_array_equal(fresh.theta, before)


def test_resume_starts_afresh_where_there_is_no_file(tmp_path):
    path = tmp_path / "run.npz"
    resumed, _, _ = run(path, resume=True)
    assert resumed.theta.tobytes() == run()[0].theta.tobytes()


def test_every_and_the_last_epoch_are_kept(tmp_path, monkeypatch):
    kept = []

    def note(path, others, **_):
        kept.append(len(others["history"].state()["loss"]))

    monkeypatch.setattr("backprop.training.loop.save", note)
    run(tmp_path / "run.npz", epochs=7, every=3)
    assert kept == [3, 6, 7]


SCRIPT = """
import sys, time
from tests.test_state import run

path, seed, announced = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
updates = 0

def observe(step):
    global updates
    updates += 1
    if updates == announced:
        print("here", flush=True)
    if 0 < announced <= updates:
        time.sleep(0.02)

network, history, optimizer = run(path, seed=seed, epochs=40, resume=True, observe=observe)
print(network.theta.tobytes().hex(), flush=True)
"""
ROOT = Path(__file__).parents[1]


def start(path, seed, announced):
    """Start the run in a process that says "here" after so many updates, and slows down."""
    return subprocess.Popen(
        [sys.executable, "-c", SCRIPT, str(path), str(seed), str(announced)], cwd=ROOT, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGKILL")
def test_a_process_killed_at_random_moments_ends_in_the_same_bits(tmp_path):
    whole = run(tmp_path / "here.npz", epochs=40)[0].theta
    path = tmp_path / "run.npz"
    rng = np.random.default_rng()
    killed = []
    for attempt in range(4):
        # An epoch has 7 updates, so that the first kill comes after one of them is kept.
        process = start(path, 100 * attempt, rng.integers(8, 40))
        line = process.stdout.readline()
        if line != "here\n":
            # A slow kill may have left fewer updates than were to pass.
            assert len(line) > 100, process.communicate()[1]
            process.communicate()
            break
        time.sleep(rng.uniform(0, 0.05))
        process.send_signal(signal.SIGKILL)
        process.communicate()
        with np.load(path) as file:
            killed.append(len(file["history/loss"]))
    output, errors = start(path, 900, -1).communicate(timeout=120)
    assert bytes.fromhex(output.strip()) == whole.tobytes(), (killed, errors)
    # without a kill between two epochs nothing was tried
    assert any(0 < epochs < 40 for epochs in killed), killed


def written(tmp_path, **options):
    network = build(**options)
    network(data()[0].astype(network.dtype))
    optimizer = Adam(network, 0.01)
    network.dtheta[...] = 1
    optimizer.step()
    rng = np.random.default_rng(3)
    rng.random(5)
    path = tmp_path / "state.npz"
    save(path, network, optimizer, rng)
    return path, network, optimizer, rng


def everything(network, optimizer, rng):
    arrays = {"theta": network.theta, **network.state(), **optimizer.state()}
    return {name: value.tobytes() for name, value in arrays.items()} | {
        "generator": str(rng.bit_generator.state)
    }


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_all_that_was_saved_is_loaded(tmp_path, dtype):
    path, network, optimizer, rng = written(tmp_path, dtype=dtype)
    other = build(seed=4, dtype=dtype)
    theta = other.theta
    target = (other, Adam(other, 0.5), np.random.default_rng())
    load(path, *target)
    assert everything(*target) == everything(network, optimizer, rng)
    # the vector is the one that the optimizer and the layers look at
    assert other.theta is theta and np.shares_memory(theta, other.named["dense1"].parameters["W"])
    only = build(seed=4, dtype=dtype)
    load(path, only)
    assert only.theta.tobytes() == network.theta.tobytes()


def test_the_file_holds_plain_arrays_by_name(tmp_path):
    path, network, optimizer, _ = written(tmp_path)
    with np.load(path, allow_pickle=False) as file:
        np.testing.assert_array_equal(
            file["parameters/residual1.dense1.W"], network.parameters["residual1.dense1.W"]
        )
        np.testing.assert_array_equal(file["optimizer/m"], optimizer.m)
        assert json.loads(str(file["rng/state"]))["bit_generator"] == "PCG64"
        assert file["rng/state"].dtype.kind == "U"
        assert "state/batchnorm1.running_mean" in file.files
        assert "Dropout(p=0.4)" in json.loads(str(file["about"]))["network"]


def test_every_truncation_and_every_flipped_byte_is_noticed_or_harmless(tmp_path):
    path, network, optimizer, rng = written(tmp_path, hidden=2)
    content = path.read_bytes()
    saved = everything(network, optimizer, rng)
    draw = np.random.default_rng(0)
    bad = tmp_path / "bad.npz"
    refused = 0
    broken = [
        content[:n] for n in [0, 1, 10, len(content) - 1, *draw.integers(len(content), size=60)]
    ]
    for place in draw.integers(len(content), size=300):
        flipped = bytearray(content)
        flipped[place] ^= 1 << int(draw.integers(8))
        broken.append(bytes(flipped))
    for number, given in enumerate(broken):
        bad.write_bytes(given)
        other = build(seed=4, hidden=2)
        target = (other, Adam(other, 0.5), np.random.default_rng(1))
        before = everything(*target)
        try:
            load(bad, *target)
        except CheckpointError as error:
            refused += 1
            assert str(bad) in str(error)
            assert everything(*target) == before
        else:
            # a bit that no reader looks at, a date say
            assert number >= 64 and everything(*target) == saved
    assert refused > 200


FOREIGN = {
    "nothing": b"",
    "text": b"my thesis",
    "an array": None,
    "another npz": None,
    "a zip": None,
    "a pickle": b"\x80\x04\x95\x05\x00\x00\x00\x00\x00\x00\x00\x8c\x01a\x94.",
}


@pytest.mark.parametrize("kind", FOREIGN)
def test_a_foreign_file_is_refused_and_left_alone(tmp_path, kind):
    content, buffer = FOREIGN[kind], io.BytesIO()
    if kind == "an array":
        np.save(buffer, np.ones(3))
    elif kind == "another npz":
        np.savez(buffer, weights=np.ones(3), bias=np.zeros(2))
    elif kind == "a zip":
        with zipfile.ZipFile(buffer, "w") as archive:
            archive.writestr("readme.txt", "hello")
    content = buffer.getvalue() if content is None else content
    path = tmp_path / "mine.npz"
    path.write_bytes(content)
    network = build()
    before = network.theta.copy()
    message = "is no checkpoint: it holds" if kind == "another npz" else r"mine\.npz is"
    with pytest.raises(CheckpointError, match=message):
        load(path, network)
    with pytest.raises(CheckpointError, match=message):
        run(path, network=network, resume=True)
    with pytest.raises(FileExistsError, match="resume=True goes on from it"):
        run(path, network=network)
    assert path.read_bytes() == content
    np.testing.assert_array_equal(network.theta, before)
    assert os.listdir(tmp_path) == ["mine.npz"]


def test_a_misfit_names_what_differs_and_changes_nothing(tmp_path):
    path, *_ = written(tmp_path)
    content = path.read_bytes()
    wider, deeper = build(hidden=7), Sequential([build(), ReLU()])

    class Other(Adam):
        pass

    float32 = build(dtype=np.float32)
    cases = [
        (build(phi=ReLU), None, r"network is .*tanh1=Tanh\(\).* and here .*relu1=ReLU\(\)"),
        (build(p=0.2), None, r"Dropout\(p=0\.4\).* and here .*Dropout\(p=0\.2\)"),
        (wider, None, r"BatchNorm\(n=6.* and here .*BatchNorm\(n=7"),
        (deeper, None, r"network is Sequential\(dense1.* and here Sequential\(sequential1"),
        (float32, None, r"dense1\.W is float64\(5, 6\), here float32\(5, 6\); dense1\.b is"),
        (build(), SGD, r"optimizer is Adam\(.* and here SGD\("),
        (build(), lambda n, r: Adam(n, r, beta1=0.8), r"beta1=0\.9.* and here .*beta1=0\.8"),
        (build(), lambda n, r: Adam(n, r, weight_decay=0.1), "weight_decay=0.0"),
        (build(), Other, r"here Other\("),
    ]
    for network, rule, message in cases:
        optimizer = rule and rule(network, 0.1)
        theta = network.theta.copy()
        before = network.state()
        with pytest.raises(CheckpointError, match=message):
            load(path, network, optimizer)
        np.testing.assert_array_equal(network.theta, theta)
        assert all(before[k].tobytes() == v.tobytes() for k, v in network.state().items())
    network = build()
    for rng in (np.random.Generator(np.random.MT19937(1)), np.random.Generator(np.random.SFC64(1))):
        theta, kept = network.theta.copy(), str(rng.bit_generator.state)
        with pytest.raises(CheckpointError, match="state is that of PCG64, expected"):
            load(path, network, Adam(network, 0.1), rng)
        np.testing.assert_array_equal(network.theta, theta)
        assert str(rng.bit_generator.state) == kept
    save(path, network)
    with pytest.raises(CheckpointError, match="optimizer is nothing and here Adam"):
        load(path, network, Adam(network))
    with pytest.raises(CheckpointError, match="it holds no rng"):
        load(path, network, None, rng)
    path.write_bytes(content)
    with pytest.raises(CheckpointError, match="batch_size is nothing and here 32"):
        load(path, network, about={"batch_size": "32"})
    with pytest.raises(FileNotFoundError):
        load(tmp_path / "none.npz", network)


def test_the_shape_alone_is_noticed_too(tmp_path):
    path = tmp_path / "a.npz"
    rng = np.random.default_rng(0)
    save(path, Sequential([Dense(3, 4, rng=rng), Dense(4, 2, rng=rng)]))
    with pytest.raises(
        CheckpointError,
        match=r"dense1\.W is float64\(3, 4\), here float64\(3, 5\); .*dense2\.W is float64\(4, 2\)",
    ):
        load(path, Sequential([Dense(3, 5, rng=rng), Dense(5, 2, rng=rng)]))
    with pytest.raises(CheckpointError, match=r"dense2=Dense\(\)"):
        load(path, Sequential([Dense(3, 4, rng=rng)]))


def test_the_way_a_graph_is_wired_counts(tmp_path):
    def graph(source):
        rng = np.random.default_rng(0)
        nodes = {
            "a": (Dense(3, 3, rng=rng), "x"),
            "b": (Tanh(), "a"),
            "c": (Add(), ("b", source)),
        }
        return Graph(nodes, output="c")

    path = tmp_path / "a.npz"
    save(path, graph("x"))
    load(path, graph("x"))
    with pytest.raises(CheckpointError, match=r"Add\(\) of \('b', 'x'\).* and here .*'a'"):
        load(path, graph("a"))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (dict(batch_size=9), "batch_size is 8 and here 9"),
        (dict(x=data()[0] + 1e-9), r"x is float64\(50, 5\) \w+ and here float64\(50, 5\)"),
        (dict(y=1 - data()[1] // 2), "y is int64"),
        (dict(validation=None), "validation is .* and here None"),
        (
            dict(loss=SoftmaxCrossEntropy(0.1)),
            r"label_smoothing=0\.0, .* and here .*label_smoothing=0\.1, ",
        ),
        (dict(loss=SoftmaxCrossEntropy(0.0, np.ones(3))), "class_weights"),
        (dict(schedule=Constant(0.1)), r"schedule is ReduceOnPlateau\(.*Constant\(learning_rate"),
        (dict(schedule=None), "here None"),
        (dict(rng=np.random.Generator(np.random.SFC64())), "expected SFC64"),
    ],
)
def test_another_run_is_refused(tmp_path, options, message):
    path = tmp_path / "run.npz"
    run(path, epochs=2)
    content, network = path.read_bytes(), build(3)
    before = network.theta.copy()
    with pytest.raises(CheckpointError, match=message):
        run(path, epochs=4, network=network, resume=True, **options)
    assert path.read_bytes() == content
    np.testing.assert_array_equal(network.theta, before)


@pytest.mark.parametrize("failing", ["savez", "fsync", "replace"])
def test_a_failing_write_leaves_the_old_file_and_no_litter(tmp_path, monkeypatch, failing):
    path, network, *_ = written(tmp_path)
    content = path.read_bytes()

    def fail(*args, **kwargs):
        raise OSError(28, "No space left on device")

    place = state.np if failing == "savez" else state.os
    monkeypatch.setattr(place, failing, fail)
    network.theta[...] = 0
    with pytest.raises(OSError, match="No space left"):
        save(path, network)
    assert path.read_bytes() == content and os.listdir(tmp_path) == ["state.npz"]


def test_the_new_bytes_reach_the_disk_before_the_new_name(tmp_path, monkeypatch):
    calls = []
    for name in ("fsync", "replace"):
        real = getattr(os, name)
        monkeypatch.setattr(
            state.os, name, lambda *a, name=name, real=real: (calls.append(name), real(*a))[1]
        )
    save(tmp_path / "a.npz", build())
    assert calls[:2] == ["fsync", "replace"]


def test_a_link_stays_a_link_and_the_mode_is_the_users(tmp_path):
    real, link = tmp_path / "real.npz", tmp_path / "link.npz"
    save(real, build(0))
    link.symlink_to(real)
    network = build(1)
    save(link, network)
    assert link.is_symlink()
    other = build(2)
    load(real, other)
    assert other.theta.tobytes() == network.theta.tobytes()
    (tmp_path / "plain").write_bytes(b"")
    assert real.stat().st_mode == (tmp_path / "plain").stat().st_mode


def test_others_are_kept_and_a_schedule_is_one(tmp_path):
    path, network = tmp_path / "a.npz", build()
    schedule = ReduceOnPlateau(0.5, patience=0)
    for loss in (1.0, 1.0, 1.0):
        schedule.observe(loss)
    save(path, network, others={"schedule": schedule})
    fresh = ReduceOnPlateau(0.5, patience=0)
    load(path, network, others={"schedule": fresh})
    assert fresh.state() == schedule.state()
    for name in ("state", "parameters", "optimizer", "rng", "", "a/b", "format"):
        with pytest.raises(ValueError, match="taken or unfit"):
            save(path, network, others={name: schedule})

    class Objects(ReduceOnPlateau):
        def state(self):
            return {"objects": np.array([{}], object)}

    content = path.read_bytes()
    with pytest.raises(TypeError, match="schedule/objects holds Python objects"):
        save(path, network, others={"schedule": Objects(0.1)})
    assert path.read_bytes() == content


def test_descriptions():
    network = build()
    assert describe(Adam(network, 0.3)) == (
        "Adam(beta1=0.9, beta2=0.999, eps=1e-08, weight_decay=0.0, decayed=None)"
    )
    assert describe(Momentum(network, 0.1, beta=0.5)) == (
        "Momentum(beta=0.5, weight_decay=0.0, decayed=None)"
    )
    assert describe(Huber(0.5)) == "Huber(d=0.5)" and describe(MeanSquaredError()) == (
        "MeanSquaredError()"
    )
    assert describe(None) == "None"
    assert describe(max) == "max" and describe(describe).startswith("describe ")
    warm = Warmup(Cosine(0.1, 5), 3)
    assert describe(warm) == repr(warm)
    assert " at 0x" not in describe(Warmup(lambda step: 0.1, 3))
    assert "AdamW(" in describe(AdamW(network))
    rng = np.random.default_rng(0)
    # what a base's constructor got, and what a layer made of what it got
    assert "truncate=7" in describe(RNN(2, 3, rng=rng, truncate=7))
    assert "padding=(1, 1)" in describe(Conv2d(2, 3, 3, rng=rng, padding=1))


def test_errors_of_fit_name_the_argument(tmp_path):
    with pytest.raises(ValueError, match="resume is True, but checkpoint names no file"):
        run(resume=True)
    with pytest.raises(ValueError, match="every is 0"):
        run(tmp_path / "a.npz", every=0)

    class Bare:
        learning_rate, steps = 0.1, 0

        def step(self):
            self.steps += 1

    with pytest.raises(TypeError, match=r"optimizer is a Bare without state\(\)"):
        run(tmp_path / "a.npz", optimizer=Bare())
    assert not os.listdir(tmp_path)


# --- whatever a file holds ----------------------------------------------------------------------


def rewritten(path, **members):
    """Write the checkpoint again with other members, ``_`` standing for "/" and ``.``."""
    with np.load(path) as file:
        arrays = {name: file[name] for name in file.files}
    for name, value in members.items():
        if value is None:
            del arrays[name]
        else:
            arrays[name] = value
    np.savez(path, **arrays)


STRANGE = {
    "nothing": np.empty(0),
    "a number": np.array(1.5),
    "infinity": np.array(np.inf),
    "nan": np.full(4, np.nan),
    "a negative number": np.array(-7),
    "a huge number": np.array(2**63, np.uint64),
    "text": np.array("text"),
    "bytes": np.array(b"bytes"),
    "texts": np.array(["a", "b"]),
    "a date": np.array("2020-01-01", "datetime64[D]"),
    "a record": np.zeros(2, [("a", float), ("b", int)]),
    "complex": np.ones((5, 2), complex),
    "JSON": np.array("[1, 2]"),
    "JSON text": np.array('"PCG64"'),
    "JSON of texts": np.array('{"network": "x"}'),
    "JSON of numbers": np.array('{"network": 3}'),
    "deep JSON": np.array("[" * 100_000),
    "a generator without a state": np.array('{"bit_generator": "PCG64"}'),
    "a generator with a list": np.array('{"bit_generator": "PCG64", "state": [1]}'),
    "half a generator": np.array(
        '{"bit_generator": "PCG64", "state": {"state": 5, "inc": 7}, "has_uint32": 0}'
    ),
    "a generator with text at its end": np.array(
        '{"bit_generator": "PCG64", "state": {"state": 5, "inc": 7},'
        ' "has_uint32": 0, "uinteger": "much"}'
    ),
    "a generator with too large a number": np.array(
        '{"bit_generator": "PCG64", "state": {"state": 5, "inc": 7},'
        ' "has_uint32": 0, "uinteger": 1e400}'
    ),
}


@pytest.mark.parametrize("kind", STRANGE)
def test_whatever_a_member_holds_is_an_error_of_the_checkpoint(tmp_path, kind):
    path = tmp_path / "run.npz"
    run(path, epochs=2)
    content = path.read_bytes()
    with np.load(path) as file:
        names = file.files
    assert {name.partition("/")[0] for name in names} == {
        "format", "about", "parameters", "state", "optimizer", "rng", "history", "schedule",
    }  # fmt: skip
    refused = 0
    for name in names:
        path.write_bytes(content)
        rewritten(path, **{name: STRANGE[kind]})
        network = build(3)
        target = (network, Adam(network, 0.01), np.random.default_rng(4))
        schedule = ReduceOnPlateau(0.05, patience=0, threshold=0.5)
        before = everything(*target), schedule.state()
        try:
            run(
                path, network=network, optimizer=target[1], rng=target[2], schedule=schedule,
                epochs=2, resume=True,
            )  # fmt: skip
        except CheckpointError as error:
            refused += 1
            assert str(path) in str(error) and (everything(*target), schedule.state()) == before
        else:
            # a number where a number belongs, and figures that were not measured
            fine = "history/" if kind == "nothing" else ("schedule/", "optimizer/learning_rate")
            assert name.startswith(fine), name
    assert refused >= len(names) - 4


@pytest.mark.parametrize("error", [KeyError, AttributeError, RuntimeError, KeyboardInterrupt])
def test_loading_is_all_or_nothing_whatever_is_raised(tmp_path, error):
    path, *_ = written(tmp_path)

    class Last(ReduceOnPlateau):
        def load_state(self, state):
            super().load_state(state)
            if self.fails:
                raise error("no")

    first, last = ReduceOnPlateau(0.1), Last(0.2)
    last.fails = False
    save(path, build(0), others={"first": first, "last": last})
    other = build(seed=4)
    first.observe(1.0)
    last.fails = True
    before = everything(other, Adam(other), np.random.default_rng(0)), first.state()
    expected = KeyboardInterrupt if error is KeyboardInterrupt else CheckpointError
    with pytest.raises(expected):
        load(path, other, others={"first": first, "last": last})
    assert (everything(other, Adam(other), np.random.default_rng(0)), first.state()) == before


@pytest.mark.parametrize("kind", [np.random.PCG64, np.random.MT19937, np.random.SFC64])
def test_a_generator_is_restored_whole_or_not_at_all(kind):
    # the state of another, so that a part of it that was set would show
    rng, other = np.random.Generator(kind(1)), np.random.Generator(kind(2))
    rng.random(3, np.float32), other.random(5, np.float32)
    whole = json.loads(str(generator_state(other)))
    before = str(rng.bit_generator.state)

    def broken(value, way):
        """Yield the state with one leaf after the other replaced."""
        for key, inner in value.items():
            if isinstance(inner, dict):
                yield from ((*way, key, *rest) for rest in broken(inner, ()))
            elif key != "bit_generator":
                yield (*way, key)

    tried = 0
    for way in broken(whole, ()):
        for wrong in ("much", None, [[]], {}):
            given = json.loads(json.dumps(whole))
            place = given
            for key in way[:-1]:
                place = place[key]
            place[way[-1]] = wrong
            with pytest.raises(ValueError, match="state holds no state of"):
                set_generator_state(rng, np.array(json.dumps(given)))
            assert str(rng.bit_generator.state) == before
            tried += 1
            del place[way[-1]]
            with pytest.raises(ValueError, match="state holds no state of"):
                set_generator_state(rng, np.array(json.dumps(given)))
            assert str(rng.bit_generator.state) == before
    assert tried >= 8


@pytest.mark.parametrize("kind", ["batchnorm", "dropout"])
def test_twelve_layers_of_a_kind_keep_their_own_state(tmp_path, kind):
    def build(seed):
        rngs = [np.random.default_rng(seed + k) for k in range(12)]
        layers = [BatchNorm(3) if kind == "batchnorm" else Dropout(0.5, rng=rng) for rng in rngs]
        return Sequential([*layers, Dense(3, 2, rng=rngs[0])])

    network, other = build(0), build(50)
    rng = np.random.default_rng(1)
    for layer in network.layers[:12]:
        layer.forward(rng.normal(size=(4, 3)))
    save(tmp_path / "a.npz", network)
    load(tmp_path / "a.npz", other)
    states = [
        tuple(v.tobytes() for v in layer.state().values()) for layer in network.layers[:12]
    ]  # fmt: skip
    assert len(set(states)) == 12
    for layer, kept in zip(other.layers, states, strict=False):
        assert tuple(v.tobytes() for v in layer.state().values()) == kept


# --- sizes --------------------------------------------------------------------------------------


def peak_of(call):
    tracemalloc.start()
    try:
        call()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_a_small_file_that_would_grow_large_is_refused(tmp_path):
    path, *_ = written(tmp_path)
    with np.load(path) as file:
        arrays = {name: file[name] for name in file.files}
    zeros = np.zeros(2**25)
    for name in ("nobody/asked", "parameters/dense1.W", "nobody"):
        np.savez_compressed(path, **{**arrays, name: zeros})
        assert path.stat().st_size < 2**20
        other = build(seed=4)
        before = other.theta.copy()

        def refused(other=other):
            with pytest.raises(CheckpointError, match="is compressed, which save"):
                load(path, other)

        # the file itself and what zipfile keeps of it
        assert peak_of(refused) < 2**22
        np.testing.assert_array_equal(other.theta, before)


def test_members_that_nobody_asked_for_stay_in_the_file(tmp_path):
    path, network, *_ = written(tmp_path)
    with np.load(path) as file:
        arrays = {name: file[name] for name in file.files}
    np.savez(path, **arrays, **{"nobody/asked": np.zeros(2**22)})
    size = path.stat().st_size
    other = build(seed=4)
    # the bytes of the file once, and no second time as an array
    assert peak_of(lambda: load(path, other)) < 1.5 * size
    assert other.theta.tobytes() == network.theta.tobytes()


def test_members_that_overlap_or_lie_about_their_size_are_refused(tmp_path):
    path, *_ = written(tmp_path)
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(
        header, {"descr": "<f8", "fortran_order": False, "shape": (2**38,)}
    )
    for shown, message in (
        ({"parameters/dense1.W.npy": header.getvalue()}, "declares shape"),
        ({"parameters/dense1.W.npy": b"\x93NUMPY\x09\x00"}, "truncated, damaged or no .npz"),
        ({"parameters/dense1.W.npy": b"nothing of the kind"}, "truncated, damaged or no .npz"),
    ):
        with zipfile.ZipFile(path, "w") as archive:
            for name, value in {**members, **shown}.items():
                archive.writestr(name, value)
        with pytest.raises(CheckpointError, match=message):
            load(path, build())
    content = bytearray(path.read_bytes())
    # two entries of the directory that point to one member
    with zipfile.ZipFile(path, "w") as archive:
        for name, value in members.items():
            archive.writestr(name, value)
        big = archive.getinfo("parameters/dense1.W.npy")
        for number in range(60):
            twin = zipfile.ZipInfo(f"nobody/{number}.npy")
            for key in ("header_offset", "compress_size", "file_size", "CRC"):
                setattr(twin, key, getattr(big, key))
            archive.filelist.append(twin)
    assert len(path.read_bytes()) < 3 * len(content)
    with pytest.raises(CheckpointError, match="members are larger than the file"):
        load(path, build())


# --- what the name of the file is ---------------------------------------------------------------


@pytest.mark.skipif(os.name != "posix", reason="modes, pipes and devices are POSIX's")
@pytest.mark.parametrize("mode", [0o600, 0o640, 0o444, 0o666])
def test_a_file_that_is_replaced_keeps_its_mode(tmp_path, mode):
    path = tmp_path / "a.npz"
    save(path, build(0))
    path.chmod(mode)
    save(path, build(1))
    assert stat.S_IMODE(path.stat().st_mode) == mode
    other = build(2)
    load(path, other)
    assert other.theta.tobytes() == build(1).theta.tobytes()


@pytest.mark.skipif(os.name != "posix", reason="modes, pipes and devices are POSIX's")
@pytest.mark.parametrize("kind", ["folder", "device", "pipe", "link to a device", "link to a pipe"])
def test_what_is_no_regular_file_is_refused_and_left_alone(tmp_path, kind):
    path, pipe = tmp_path / "a.npz", tmp_path / "pipe"
    os.mkfifo(pipe)
    {
        "folder": path.mkdir,
        "device": lambda: None,
        "pipe": lambda: os.mkfifo(path),
        "link to a device": lambda: path.symlink_to("/dev/zero"),
        "link to a pipe": lambda: path.symlink_to(pipe),
    }[kind]()
    place = Path("/dev/zero") if kind == "device" else path
    before = sorted(os.listdir(tmp_path))
    kept = place.lstat().st_mode
    with pytest.raises(OSError, match="is no regular file"):
        save(place, build())
    # reading a pipe would wait for ever, reading this device fill the memory
    with pytest.raises(OSError, match="is no regular file"):
        load(place, build())
    with pytest.raises(OSError, match="is no regular file"):
        run(place, resume=True)
    assert sorted(os.listdir(tmp_path)) == before and place.lstat().st_mode == kept


# --- the learning rate --------------------------------------------------------------------------


def test_a_resumed_run_says_which_learning_rate_holds(tmp_path):
    path = tmp_path / "a.npz"
    run(path, epochs=2, schedule=None)
    same = build(5)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        run(path, network=same, epochs=2, schedule=None, resume=True)
    network = build(5)
    optimizer = Adam(network, 0.5)
    with pytest.warns(
        UserWarning, match=r"fit: learning_rate is 0\.01, as in .*a\.npz, and not 0\.5"
    ):
        run(path, network=network, optimizer=optimizer, epochs=2, schedule=None, resume=True)
    assert optimizer.learning_rate == 0.01


def test_a_schedule_holds_whatever_the_optimizer_was_given(tmp_path):
    path = tmp_path / "a.npz"
    run(path, epochs=2)
    network = build(5)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        run(path, network=network, optimizer=Adam(network, 0.5), epochs=3, resume=True)
    assert network.theta.tobytes() == run(epochs=3)[0].theta.tobytes()


def test_a_plateau_after_a_warm_up_resumes_too(tmp_path):
    path = tmp_path / "a.npz"

    def schedule():
        return Warmup(ReduceOnPlateau(0.05, patience=0, threshold=0.5), 3)

    whole, history, _ = run(epochs=5, schedule=schedule())
    run(path, epochs=3, schedule=schedule())
    resumed, again, _ = run(path, epochs=5, schedule=schedule(), resume=True)
    assert resumed.theta.tobytes() == whole.theta.tobytes() and again == history


class Trap:
    """Leaves a file behind where it is unpickled."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return open, (str(self.path), "w")


@pytest.mark.parametrize("disguised", [False, True])
def test_a_file_that_would_run_code_is_refused_and_runs_none(tmp_path, disguised):
    path, network, *_ = written(tmp_path)
    payload = pickle.dumps(Trap(tmp_path / "sprung"))
    if disguised:  # as long as the array that its header declares
        payload += bytes(-len(payload) % 8)
    header = io.BytesIO()
    declared = {"descr": "|O", "fortran_order": False, "shape": (len(payload) // 8,)}
    np.lib.format.write_array_header_1_0(header, declared)
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    name = next(name for name in members if name.startswith("parameters/"))
    members[name] = header.getvalue() + payload
    with zipfile.ZipFile(path, "w") as archive:
        for member, content in members.items():
            archive.writestr(member, content)
    with pytest.raises(CheckpointError, match=r"damaged or no \.npz file"):
        load(path, network)
    assert not (tmp_path / "sprung").exists()
