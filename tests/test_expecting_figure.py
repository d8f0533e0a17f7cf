"""The figures of "A small language model": every number and letter on them is one of the data."""

import math
import xml.etree.ElementTree as ET

import numpy as np
from drawing_cases import check_words

from backprop.book import contexts, language, reading, stages
from backprop.book.figures import expecting

SVG = "{http://www.w3.org/2000/svg}"
DATA = {
    "text": "a bc",
    "letters": ["a", " ", "c", "a"],
    "p": [[0.5], [1], [0.6], [0.4]],
    "came": [0.5, 1.0, 0.25, 0.01],
    "counted": [0.25, 0.5, 1.0, 1 / 256],
}  # fmt: skip


def test_each_letter_has_its_column_and_the_right_guess_is_framed():
    drawn = expecting.sentence(DATA, "t")
    check_words(drawn.markup, 0.5)
    root = ET.fromstring(drawn.markup)
    words = [t.text for t in root.iter(f"{SVG}text")]
    assert words[4:10] == ["a", "a", "·", "·", "b", "c"]
    guesses = [r for r in root.iter(f"{SVG}rect") if r.get("fill-opacity")]
    assert [r.get("fill-opacity") for r in guesses] == ["0.31", "0.62", "0.37", "0.25"]
    assert [r.get("stroke-width") for r in guesses] == ["1.8", "1.8", "0", "0"]
    bit = expecting.TALLEST / 8
    network, counts = (
        [r for r in root.iter(f"{SVG}rect") if r.get("opacity") == opacity]
        for opacity in ("1", "0.6")
    )
    assert {r.get("fill") for r in network} == {expecting.ORANGE}
    tall = np.array([float(r.get("height")) for r in network])
    np.testing.assert_allclose(tall, [bit, 0.8, 2 * bit, 6.6439 * bit], atol=0.06)
    tall = np.array([float(r.get("height")) for r in counts])
    np.testing.assert_allclose(tall, [2 * bit, bit, 0.8, 8 * bit], atol=0.06)
    assert words[10:12] == ["2.0", "0.0"] and words[-2:] == ["6.6", "8.0"]
    assert len(words) == 4 + 2 * 4 + 2 * 2, "costs that differ by 1 bit have no number"
    assert "b: 0.60 for c, 2.0 bits, by counting 0.0" in root.find(f"{SVG}desc").text


def test_the_sentence_can_be_read():
    drawn = expecting.sentence(reading.stored(), "t")
    check_words(drawn.markup, lambda said: (0.57 if len(said) > 3 else 0.5) * len(said))
    root = ET.fromstring(drawn.markup)
    named = [t for t in root.iter(f"{SVG}text") if t.get("font-size") == str(expecting.NAMED)]
    assert "".join(t.text for t in named[::2]) == reading.SENTENCE.replace(" ", "·")
    assert len(reading.SENTENCE) == 2 * expecting.A_LINE
    assert reading.SENTENCE[expecting.A_LINE - 1] == " "


def test_the_shares_of_the_table_add_up():
    drawn = expecting.twice("t")
    check_words(drawn.markup, 0.5)
    words = [t.text for t in ET.fromstring(drawn.markup).iter(f"{SVG}text")]
    b = 1 + math.log(3)
    assert f"= −{0.25 * b:.2f}" in words and f"−{0.25 * b - 0.25:.2f}" in words
    assert f"0.25 − {0.25 * b - 0.25:.2f} = −{0.25 * b - 0.5:.2f}" in words


def test_the_model_is_drawn_with_its_shapes_and_parameters():
    drawn = expecting.whole("t", "a bc", [0.5, 0.25, 1.0])
    check_words(drawn.markup, 0.55)
    words = [t.text for t in ET.fromstring(drawn.markup).iter(f"{SVG}text")]
    shapes = expecting.SHAPES
    at = (language.LARGE.batch, language.LARGE.length, language.LARGE.width)
    assert {f"({at[0]}, {at[1]})", f"({at[0]}, {at[1]}, {at[2]})", "(16, 64, 70)"} <= {*words}
    assert (shapes["heads"], shapes["hidden"]) == (language.LARGE.heads, language.LARGE.hidden)
    network = language.transformer(shapes["letters"], language.LARGE, np.random.default_rng(0))
    (tied,) = network.layers
    size = [sum(p.size for p in layer.parameters.values()) for layer in tied.layers[:3]]
    assert "70 · 64 = 4,480" in words and size[0] == 4480
    assert words.count("64") == 3 and size[1] == 64 + 16_640 and size[2] == 64 + 30_720
    assert {"16,640", "30,720"} <= {*words}
    assert 4480 + 3 * (size[1] + size[2]) + 64 == network.theta.size
    assert f"in all {network.theta.size:,}" in words


def test_under_each_letter_of_the_passage_stands_the_next_one_and_its_cost():
    drawn = expecting.whole("t", "a bc", [0.5, 0.25, 1.0])
    words = [t for t in ET.fromstring(drawn.markup).iter(f"{SVG}text")]
    columns = [(t.text, t.get("x")) for t in words if float(t.get("x")) > 176]
    across = [x for said, x in columns if said == "a"] + [x for said, x in columns if said == "c"]
    rows = {x: [said for said, at in columns if at == x] for x in across}
    assert rows[across[0]] == ["a", "·", "0.50", "1.0"]
    assert rows[across[1]] == ["b", "c", "1.00", "0.0"]


def test_samples_have_their_steps_their_bits_and_bars():
    rows = [{"step": 0, "bits": 4.0, "text": "a <b>\nc"}, {"step": 1200, "bits": 1.0, "text": "d"}]
    drawn = expecting.stages(rows, "t", 0.5)
    check_words(drawn.markup, 0.5)
    root = ET.fromstring(drawn.markup)
    words = [t.text for t in root.iter(f"{SVG}text")]
    assert words == [
        "before the training", "4.00 bits", "a <b> ¶ c",
        "1,200 steps of training", "1.00 bits", "d", "counting, no network", "0.50 bits",
    ]  # fmt: skip
    wide = [float(bar.get("width")) for bar in root.iter(f"{SVG}rect")]
    assert wide == [116, 29, 14.5]


def test_the_first_figure_can_be_read():
    check_words(expecting.stages(stages.stored()["rows"], "t", 1.89).markup, 0.5)


def test_a_text_is_wrapped_and_nothing_is_lost():
    lines = expecting.wrapped("one two\nthree " + "x" * 25, 10)
    assert max(map(len, lines)) <= 10 and "¶" in " ".join(lines)
    assert "".join(lines).replace(" ", "").replace("¶", "") == "onetwothree" + "x" * 25


def test_the_network_and_the_counts_are_drawn_over_the_length_of_the_context():
    drawn = expecting.contexts([1, 4, 16], [3.5, 3.0, 2.25], [3.25, 3, 2.75, 2.5], "t")
    check_words(drawn.markup, 0.55)
    root = ET.fromstring(drawn.markup)
    network, counts = (
        [
            [float(c.get("cx")), float(c.get("cy"))]
            for c in root.iter(f"{SVG}circle")
            if c.get("fill") == paint
        ]
        for paint in (expecting.ORANGE, expecting.INK)
    )
    assert len(network) == 3 and len(counts) == 2
    (x1, y1), (x2, y2), (x4, y4) = network
    assert abs((x2 - x1) - (x4 - x2)) < 0.2, "equal factors are equally far apart"
    bit = (y2 - y1) / 0.5
    np.testing.assert_allclose([y4 - y2, counts[0][1] - y1, counts[1][1] - y1],
                               [0.75 * bit, 0.25 * bit, bit], atol=0.2)  # fmt: skip
    words = [t.text for t in root.iter(f"{SVG}text")]
    assert {"3.00", "2.25", "2.50", "the network", "counting"} <= {*words}


def test_the_lengths_that_are_stored_can_be_read():
    found = contexts.stored()
    counted = language.counted()["Kneser-Ney"].bits[1:]
    drawn = expecting.contexts(found["lengths"], found["network"], counted, "t")
    check_words(drawn.markup, 0.55)


def test_each_kind_of_letter_has_its_bars_from_the_counts():
    others = {"pool": np.array([[3.9, 1.5]]), "network": np.array([[4.0, 1.5], [3.8, 1.7]])}
    drawn = expecting.kinds(["first (19%)", "inside (56%)"], [4.0, 1.4], others, "t")
    check_words(drawn.markup, 0.55)
    root = ET.fromstring(drawn.markup)
    words = [t.text for t in root.iter(f"{SVG}text")]
    assert words[3:9] == ["first (19%)", "K.–N. 4.00", "pool", "3.90", "network", "3.90"]
    bars = [[float(r.get(a)) for a in ("x", "width")] for r in root.iter(f"{SVG}rect")]
    zero = bars[0][0] + bars[0][1]
    unit = bars[0][1] / 0.1
    for (x, wide), more in zip(bars, [-0.1, -0.1, 0.1, 0.2], strict=True):
        assert abs(x - zero - min(more, 0) * unit) < 0.2 and abs(wide - abs(more) * unit) < 0.2
    runs = [r for r in root.iter(f"{SVG}line") if r.get("stroke-width") == "2"]
    assert len(runs) == 2, "a single run has no range"
    ends = [float(runs[0].get(a)) - zero for a in ("x1", "x2")]
    np.testing.assert_allclose(ends, [-0.2 * unit, 0], atol=0.2)
    assert "first (19%): counting 4.00, pool 3.90, network 3.90" in root.find(f"{SVG}desc").text
