"""What is stored of five splits is what the programs answer, and is counted as is said."""

import json

import numpy as np
import pytest

from backprop.activations import softmax
from backprop.book import five_splits
from backprop.book.five_splits import (
    IN_BLOCKS,
    OTHERS,
    RECIPES,
    SETTINGS,
    SPLITS,
    misread,
    misread_by_block,
    place,
    stored,
)
from backprop.book.folds import FOLDS, folds, images, parts, shifted, train


def test_every_program_read_all_images_in_every_split():
    assert set(stored()) == {*OTHERS, *RECIPES, "blocks"}
    for name in (*OTHERS, *RECIPES):
        runs = stored()[name]
        assert len(runs) == SPLITS
        for run in runs:
            numbers = run["misread"]
            assert numbers == sorted(set(numbers)) and 0 <= numbers[0] and numbers[-1] < 1797
            if name in RECIPES:
                assert len(set(run["place"])) == len(numbers)
                assert 1 <= min(run["place"]) and max(run["place"]) <= 1797
        assert misread(name).sum() == sum(len(run["misread"]) for run in runs)


def test_the_splits_differ_and_each_tests_every_image_once():
    tests = [[set(test) for *_, test in folds(split)] for split in range(SPLITS)]
    for parts_of_one in tests:
        assert sum(map(len, parts_of_one)) == 1797 == len(set.union(*parts_of_one))
    assert all(tests[0][0] != other[0] for other in tests[1:])


@pytest.mark.parametrize("name", ["copier", "copier, shifts", "SVM"])
def test_a_stored_rival_is_what_comes_out(name):
    found = five_splits.outcome(name, 3)
    assert len(set(found["misread"]) ^ set(stored()[name][3]["misread"])) <= 1


def test_a_stored_network_is_what_comes_out():
    split, k = 4, 2
    training, validation, (x, y) = list(parts(split))[k]
    rows = folds(split)[k][2]
    network, _ = train(RECIPES["40 epochs"], training, validation, FOLDS * split + k)
    wrong = network.forward(x).argmax(axis=1) != y
    assert (wrong != misread("40 epochs")[split][rows]).sum() <= 1


def test_what_is_stored_of_blocks_is_what_comes_out():
    assert set(stored()["blocks"]) == set(IN_BLOCKS)
    for name in IN_BLOCKS:
        counts = misread_by_block(name)
        assert counts.sum() == len(stored()["blocks"][name]["misread"])
        assert counts.sum() > misread(name).sum(axis=1).max()
    k = 4
    training, validation, (x, y) = list(parts(None))[k]
    for name in ("40 epochs", "shifts"):
        network, _ = train(RECIPES[name], training, validation, k)
        wrong = (network.forward(x).argmax(axis=1) != y).sum()
        assert abs(wrong - misread_by_block(name)[k]) <= 1
    copied = five_splits.copier(training, validation)(x)
    assert (copied != y).sum() == misread_by_block("copier")[k]


def test_a_copier_that_shifts_finds_a_moved_image():
    x, y = images()
    moved = shifted(x[:20]).reshape(9, 20, 64)[3]
    read = five_splits.shifting_copier((x[:20], y[:20]), (x, y))
    assert (read(moved) == y[:20]).all()


def test_places_are_counted_from_the_most_doubtful():
    confidence = np.array([0.9, 0.5, 0.99, 0.7])
    assert place(confidence, np.array([True, True, False, False])) == [3, 1]
    assert place(confidence, np.zeros(4, dtype=bool)) == []


def test_a_stored_setting_is_the_one_of_the_least_validation_loss():
    split, k = 2, 7
    training, validation, (x, y) = list(parts(split))[k]
    trained = [train(each, training, validation, FOLDS * split + k) for each in SETTINGS]
    best = int(np.argmin([loss for _, loss in trained]))
    assert best == stored()["tuned"][split]["setting"][k]
    wrong = trained[best][0].forward(x).argmax(axis=1) != y
    assert (wrong != misread("tuned")[split][folds(split)[k][2]]).sum() <= 1


def test_the_logistic_regression_is_one(monkeypatch):
    rng = np.random.default_rng(0)
    x = rng.normal(size=(90, 2))
    y = np.digitize(x[:, 0], [-0.5, 0.5])
    read = five_splits.logistic((x[:60], y[:60]), (x[60:], y[60:]))
    assert (read(x[60:]) == y[60:]).mean() > 0.85


def test_the_command_writes_and_replaces(tmp_path, monkeypatch):
    asked = []

    def outcome(name, split):
        asked.append((name, split))
        return {"misread": [split]}

    monkeypatch.setattr(five_splits, "outcome", outcome)
    path = tmp_path / "found.json"
    five_splits.main([str(path)])
    assert len(asked) == SPLITS * (len(OTHERS) + len(RECIPES)) + len(IN_BLOCKS)
    first = json.loads(path.read_text())
    assert list(first) == [*OTHERS, *RECIPES, "blocks"]
    assert list(first["blocks"]) == list(IN_BLOCKS) and len(first["SVM"]) == SPLITS
    monkeypatch.setattr(five_splits, "outcome", lambda name, split: {"misread": [9]})
    five_splits.main([str(path), "SVM"])
    second = json.loads(path.read_text())
    assert second["SVM"] == [{"misread": [9]}] * SPLITS and second["copier"] == first["copier"]


def test_what_is_told_of_networks_comes_from_their_probabilities():
    p = softmax(np.array([[2.0, 0.0], [0.0, 1.0], [0.5, 0.0]]))
    y = np.array([0, 0, 1])
    found = five_splits.told(five_splits.Tested(p, y, np.array([0.1, 0.3])))
    assert found == {"misread": [1, 2], "place": [2, 1]}
