"""The figure of the softmax: what it says follows from the formulas."""

import re
import xml.etree.ElementTree as ET

import numpy as np
import pytest
from drawing_cases import check_words

from backprop.book.figures import softmax_bars
from backprop.losses import SoftmaxCrossEntropy

CHANCES = [0.05, 0.2, 0.4, 0.5, 0.75, 0.9, 0.95]
SVG = "{http://www.w3.org/2000/svg}"


def said(frame):
    return [
        "".join(t.itertext()).replace("−", "-") for t in ET.fromstring(frame.svg).iter(f"{SVG}text")
    ]


@pytest.mark.parametrize("chance", CHANCES)
def test_every_number_is_that_of_the_package(chance):
    (frame,) = softmax_bars.frames([chance])
    z = np.log([[4.0, softmax_bars.power(chance), 1.0]])
    loss = SoftmaxCrossEntropy()
    value = loss.forward(z, np.array([1]))
    pushes, words = -loss.backward()[0], said(frame)
    p = np.subtract([0, 1, 0], pushes)
    assert np.isclose(p[1], chance)
    shown = {float(w) for w in words if re.fullmatch(r"-?[\d.]+", w)}
    # No number of the last column has more than three digits: the pushes sum to 0 as shown.
    for number in (*p, *pushes):
        assert min(abs(number - t) for t in shown) < 1e-12
    assert min(abs(z[0, 1] - t) for t in shown) <= 5e-4
    assert f"loss -ln {chance:g} = {value:.3f}" in words
    assert f"so the loss is {value:.3f}." in frame.caption
    assert softmax_bars.score(chance).replace("−", "-") in words


@pytest.mark.parametrize("frame", softmax_bars.frames(CHANCES), ids=map(str, CHANCES))
def test_the_sum_of_a_caption_holds(frame):
    words = frame.caption.replace("\N{NO-BREAK SPACE}", " ")
    p, total, one, two = map(
        float,
        re.search(r"p = ([\d.]+), .*: ([\d.]+) − ([\d.]+) − ([\d.]+) = 0\.$", words).groups(),
    )
    assert np.isclose(one + two, total) and np.isclose(p + total, 1)
    check_words(frame.svg, 0.55)


@pytest.mark.parametrize("frame", softmax_bars.frames(CHANCES), ids=map(str, CHANCES))
def test_the_arrows_of_the_sum_lead_back(frame):
    arrows = ET.fromstring(frame.svg).findall(f"{SVG}polygon")
    tips = [float(a.get("points").split()[0].split(",")[0]) for a in arrows]
    assert np.isclose(tips[-1], softmax_bars.MIDDLE, atol=0.11)
    lengths = np.array(tips[:3]) - softmax_bars.MIDDLE
    assert np.isclose(lengths.sum(), 0, atol=0.16)
