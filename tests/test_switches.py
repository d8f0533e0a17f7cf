"""The ten switches: the same output each time, a true picture, and a script that says the same."""

import json
import re
import shutil
import subprocess
import xml.etree.ElementTree as ET
from functools import cache
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest

from backprop.book import ten_faults
from backprop.book.figures import switches
from backprop.book.figures.switches import FOOT, HIGH, LOW, NAMES, TenSwitches, view

SVG = "{http://www.w3.org/2000/svg}"
ROOT = Path(__file__).resolve().parents[1]
SCRIPT = ROOT / "code/backprop/book/figures/switches.js"
EVERY = [left_in for n in range(11) for left_in in combinations(range(1, 11), n)]
CALL = """
import { readFileSync } from 'node:fs';
const { read, telling, verdict, view } = await import(process.argv[1]);
const { text, every, rows } = JSON.parse(readFileSync(0, 'utf8'));
const given = read(text);
const { hidden } = given;
const pairs = hidden.flatMap((a) => hidden.map((b) => [a, b, telling(a, b, rows, given)]));
const right = hidden.map((fault) => verdict(fault, fault, rows, given));
console.log(JSON.stringify({ seen: every.map((leftIn) => view(leftIn, given)), pairs, right }));
"""


def figure(left_in=(8, 9, 10)):
    return TenSwitches(left_in, 'Ten "faults"')


def picture(left_in):
    return ET.fromstring(re.search(r"<svg.*</svg>", figure(left_in)._repr_html_(), re.S)[0])


@cache
def said_by_the_script():
    node = shutil.which("node")
    if node is None:
        pytest.skip("Node.js is not here: the browser checks try the same for some subsets")
    text = re.search(r'<script type="application/json">(.*?)</script>', figure()._repr_html_())
    done = subprocess.run(
        [node, "--input-type=module", "-e", CALL, SCRIPT.as_uri()], text=True, check=True,
        input=json.dumps({"text": text[1], "every": EVERY, "rows": ["loss", *NAMES]}),
        capture_output=True, encoding="utf-8",
    )  # fmt: skip
    return json.loads(done.stdout)


def test_the_script_says_what_python_says_for_every_subset():
    found = said_by_the_script()["seen"]
    assert len(found) == 1024
    for left_in, said in zip(EVERY, found, strict=True):
        assert said == view(left_in), left_in


def test_all_readings_together_tell_each_hidden_fault():
    for one, other, rows in said_by_the_script()["pairs"]:
        assert bool(rows) == (one != other), (one, other)
    # With no fault the readings are those of 10, which is told by that alone.
    assert view([])["words"] == view([10])["words"]
    for fault, said in zip(switches.HIDDEN, said_by_the_script()["right"], strict=True):
        assert said == f"Right, it is {fault}. {switches.WHY[fault]}"


def test_the_reasons_are_what_is_seen():
    alone = {fault: view([fault]) for fault in switches.HIDDEN}
    words = {fault: said["words"] for fault, said in alone.items()}
    assert alone[3]["marks"]["cosine"][1] - alone[3]["marks"]["cosine"][0] > 50
    assert words[4]["cosine"] == "−1.00" and words[5]["ratio"] == "5.00"
    assert float(words[6]["loss"][:4]) > 0.35 > float(words[7]["loss"][:4])
    assert min(alone[7]["marks"]["own"]) > 75 and max(alone[7]["marks"]["new"]) < 65
    assert np.ptp(alone[8]["marks"]["new"]) > 50
    assert words[8]["loss"].split("→")[0] == words[10]["loss"].split("→")[0]
    assert words[9]["printed"] == "0.50" and words[9]["new"] == view([])["words"]["new"]
    for fault in (5, 6, 7, 8, 9, 10):
        assert words[fault]["cosine"] == "1.00"
    assert switches.prompt().endswith("each score 0.99 to 1.00, and the compass 1 and 1.")


def test_the_rows_are_those_of_the_subsets():
    rows = [switches.row(faults) for faults in ten_faults.subsets()]
    assert rows == [*range(128)] and switches.row([1, 2, 9, 10]) == switches.row([10])


def test_a_stop_hides_all_other_faults():
    stops = [view(left_in) for left_in in EVERY if 1 in left_in]
    assert len(stops) == 512 and len({s["seen"].split("shapes")[1] for s in stops}) == 4
    for said in stops:
        assert not said["path"] and not any(said["marks"].values())
        assert said["panel"] == "stops at the first update" and set(said["words"].values()) == {"–"}


def test_two_faults_change_what_is_kept_and_what_is_printed():
    plain, dropped, score = view([]), view([2]), view([9])
    assert plain["path"] and not dropped["path"]
    assert dropped["panel"] == dropped["words"]["loss"] == "not kept"
    assert dropped["marks"] == plain["marks"]
    assert plain["marks"]["printed"] == plain["marks"]["new"] == score["marks"]["new"]
    assert score["words"]["printed"] == "0.50" and score["path"] == plain["path"]
    assert plain["seen"] == "All ten faults are mended." and view([9, 2, 8])["seen"] == (
        "Left in: 2, 8 and 9."
    )


def test_numbers_in_words():
    assert [switches.loss_words(v) for v in (None, 10**6, 0, 47, 262, 25_400)] == [
        "NaN", "over 1,000", "below 0.001", "0.047", "0.26", "25"
    ]  # fmt: skip
    assert switches.span([6, 95]) == "0.06 to 0.95" and switches.span([100, 100]) == "1.00"
    assert (
        switches.span([-100, 14]) == "−1.00 to 0.14" and switches.span([160, 6300]) == "1.60 to 63"
    )


def test_a_curve_ends_where_the_loss_leaves_the_picture():
    falls = [500, *[0] * 10]
    assert (
        switches.curve(falls).startswith("M40.0 78.0L") and switches.curve(falls).count("L") == 10
    )
    assert switches.curve(falls).endswith(f" {FOOT}")
    leaves = switches.curve([500, 2000, None, *[None] * 8])
    assert re.findall(r"[\d.]+ ([\d.]+)", leaves) == ["78.0", "22.0"]
    assert switches.curve([None] * 11) == "" == switches.curve([5000, *[0] * 10])


@pytest.mark.parametrize("left_in", [(), (8, 9, 10), (3, 4), (1, 7)])
def test_the_picture_shows_each_run(left_in):
    svg, said = picture(left_in), view(left_in)
    for group in svg.iter(f"{SVG}g"):
        shown = [m for m in group if m.get("visibility") == "visible"]
        places = [float(re.search(r"\((\S+) ", m.get("transform"))[1]) for m in shown]
        shares = np.array(said["marks"][group.get("data-row")]) / 100
        assert len(group) == 10 and np.allclose(places, LOW + shares * (HIGH - LOW), atol=0.06)
    (bar,) = (line for line in svg.iter(f"{SVG}line") if line.get("class") == "bp-bar")
    assert bar.get("visibility") == ("hidden" if 1 in left_in else "visible")
    words = {t.get("data-row"): t.text for t in svg.iter(f"{SVG}text") if t.get("data-row")}
    assert words == said["words"] and words.keys() == {"loss", *NAMES}


def test_the_words_stay_inside_the_picture():
    most = max(len(view(left_in)["words"][name]) for left_in in EVERY for name in NAMES)
    assert switches.SAID + 7.2 * most < 420
    assert max(len(view(left_in)["words"]["loss"]) for left_in in EVERY) < 30


def test_output_is_the_same_each_time_and_self_contained():
    html = figure()._repr_html_()
    assert html == figure()._repr_html_() and len(html) < 50_000
    assert re.findall(r"\sid=\"?([\w-]+)", html) == ["switches-faults"]
    assert set(re.findall(r"https?://[^\"' )]+", html)) == {"http://www.w3.org/2000/svg"}
    assert 'aria-label="Ten &quot;faults&quot;"' in html and repr(figure()) == (
        "TenSwitches([8, 9, 10])"
    )
    boxes = re.findall(r'type="checkbox" value="(\d+)"( checked)?>\1 ', html)
    assert [int(k) for k, mended in boxes if not mended] == [8, 9, 10] and len(boxes) == 10
    asks = re.findall(r'value="([a-z ]+)" aria-pressed="false">', html)
    assert sorted(" ".join(asks).split()) == sorted(["loss", *NAMES])
    choices = re.findall(r'value="(\d+)" aria-pressed="false">\1 ', html)
    assert [int(k) for k in choices] == [*switches.HIDDEN] == [*switches.WHY]
    assert '<div class="bp-controls" hidden>' in html and "Left in: 8, 9 and 10." in html


def test_errors_name_the_argument():
    with pytest.raises(ValueError, match="left_in holds 11, expected 1 to 10"):
        TenSwitches([11], "t")
    with pytest.raises(ValueError, match="name is 'a b'"):
        TenSwitches([], "t", "a b")
