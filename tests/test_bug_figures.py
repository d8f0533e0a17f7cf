"""The figures of the chapters on faults and bugs say what they draw."""

import math
import re

import numpy as np
import pytest

from backprop.book.figures.bug_curves import (
    beside,
    caught,
    ends_by_rate,
    hidden_pairs,
    two_steps,
)
from backprop.book.figures.faults import (
    DOES,
    FAULTS,
    ORDER,
    PAIRS,
    READINGS,
    UNIT,
    compass_readings,
    fault_map,
    program_loop,
    stretched_score,
)


def test_the_map_has_every_fault_once_and_in_its_place():
    markup = fault_map("t").markup
    assert sorted(f.number for f in FAULTS) == list(range(1, 11))
    assert {f.where for f in FAULTS} <= set(ORDER)
    for fault in FAULTS:
        assert all(words in markup for words in (fault.name, fault.symptom))
        # 14 units of type, half of that a letter: the words stay inside the drawing
        longest = max(len(fault.name), len(fault.symptom), len(fault.check))
        assert 146 + 7.6 * longest < min(x for *_, x in PAIRS) - 2, fault
    y = [float(v) for v in re.findall(r'text x="64.0" y="([\d.]+)"', markup)]
    assert y == sorted(y)


def test_the_map_joins_the_pairs_that_it_draws():
    assert fault_map("t").markup.count('stroke-width="2.5"') == len(PAIRS) + 1
    alone = [fault for fault in FAULTS if fault.number in (3, 8)]
    assert 'stroke-width="2.5"' not in fault_map("t", alone).markup


def test_the_loop_tells_what_each_piece_is_for_and_no_fault():
    markup = program_loop("t", "update", "shapes do not fit").markup
    assert all(f">{words}<" in markup for words in (*ORDER, *DOES.values()))
    assert markup.count(">stops here: shapes do not fit<") == 1
    assert not any(fault.name in markup for fault in FAULTS)


def test_the_pairs_have_a_row_for_each_arm_and_the_words_below():
    rows = {"none": [1.0, 1.0], "both": [0.9, 1.0], "only a": [0.1, 0.3], "only b": [0.2]}
    markup = hidden_pairs([("first", (0, 1), rows), ("second", (0, 2), rows)], "two").markup
    assert all(markup.count(f">{name}<") == 2 for name in rows)
    assert ">first<" in markup and ">second<" in markup


def test_the_score_counts_the_entries_that_agree():
    markup = stretched_score([1, 0, 1], [(0, 1), (1, 0), (0, 1)], "t").markup
    assert markup.count(">✓<") == markup.count(">✗<") == 3
    assert "3 of 6 entries are equal" in markup and markup.count("4 3") == 3
    both = stretched_score([1, 0], [(1, 1), (0, 1)], "t").markup
    assert "3 of 4 entries are equal" in both and both.count(">✗<") == 1


def test_the_compass_shows_the_readings_that_it_names():
    markup = compass_readings("t").markup
    tips = re.findall(r'<line x1="([-\d.]+)" y1="([-\d.]+)".*?points="([-\d.]+),([-\d.]+) ', markup)
    drawn = [(float(c) - float(a), float(d) - float(b)) for a, b, c, d in tips]
    for _, arrows, words in READINGS:
        (x, y), rest = drawn[0], drawn[1 : 1 + len(arrows)]
        drawn = drawn[1 + len(arrows) :]
        assert math.isclose(math.hypot(x, y), UNIT, abs_tol=0.2)
        for (cosine, ratio), (u, v) in zip(arrows, rest, strict=True):
            assert math.isclose(math.hypot(u, v) / UNIT, ratio, abs_tol=0.02)
            found = (x * u + y * v) / math.hypot(x, y) / math.hypot(u, v)
            assert math.isclose(found, cosine, abs_tol=0.02)
        if len(arrows) == 1:
            assert words == tuple(
                f"{what} {value:.0f}".replace("-", "−")
                for what, value in zip(("cosine", "ratio"), arrows[0], strict=True)
            )
    assert not drawn


def test_curves_that_leave_the_picture_do_not_break_it():
    right = np.linspace(2.3, 0.7, 5) * np.ones((3, 1))
    wrong = {"a": np.full((3, 5), np.nan), "b": right + 1, "c": right * 1e9, "d": right / 2}
    words = {"c": [(1, 5, "wrong", "out of it")]}
    drawn = beside(right, wrong, "four", guess=2.3, words=words)
    assert repr(drawn) == "<Drawing: four>" and drawn.markup.count("out of it") == 1


def test_the_ends_at_each_rate_bear_the_names_and_the_rates():
    right = {0.2: [0.6, 0.7, 0.8], 1.6: [0.2, 0.3, 0.4]}
    lost = {0.2: [0.5, 0.6, 0.7], 1.6: [1.5, np.nan, np.nan]}
    markup = ends_by_rate({"a": {"right": right, "bug": lost}, "b": {"right": right}}, "t").markup
    assert all(f">{word}<" in markup for word in ("a", "b", "right", "bug", "0.2", "1.6"))
    assert markup.count(">NaN<") == 1


def test_each_step_shows_the_gradient_that_it_used():
    paths = {"right": [1, 0.8, 0.68], "wrong": [1, 0.8, 0.48]}
    markup = two_steps(paths, 0.1, "t").markup
    used = re.findall(r">used ([\d.]+)<", markup)
    assert used == ["2", "1.2", "2", "3.2"]
    assert "wrong: from 0.8 to 0.48, used 3.2" in markup
    with pytest.raises(ValueError, match="programs holds 3, expected 2"):
        two_steps({**paths, "another": [1, 0.9]}, 0.1, "t")


def test_the_table_shows_a_miss_as_a_nought():
    counts = [[10, 0], [9, 10]]
    markup = caught(counts, ["full", "half"], ["1", "2"], "table").markup
    assert ">10<" not in markup and markup.count(">9<") == 1 and markup.count(">0<") == 1
