"""The ravine of two sliders: a true picture, a script that says the same, and fair tasks."""

import json
import re
import shutil
import subprocess
import xml.etree.ElementTree as ET
from itertools import product
from pathlib import Path

import numpy as np
import pytest

from backprop.book.figures import rates, ravine
from backprop.book.figures.ravine import EVERY, FAR, FLAT, HIGHEST, STEEP, STEPS, TASKS, Ravine

SVG = "{http://www.w3.org/2000/svg}"
SCRIPT = Path(__file__).resolve().parents[1] / "code/backprop/book/figures/ravine.js"
EVERY_SETTING = [
    (noise, k / 20, begin)
    for noise, k, begin in product(TASKS, range(1, HIGHEST + 1), range(0, STEPS + 1, EVERY))
]
CALL = """
import { readFileSync } from 'node:fs';
const { view } = await import(process.argv[1]);
const { given, every } = JSON.parse(readFileSync(0, 'utf8'));
const noises = given.tasks.map(([noise]) => noise);
const views = every.map(([n, top, begin]) => view(noises.indexOf(n), top, begin, given));
console.log(JSON.stringify(views));
"""


def figure(**changes):
    return Ravine('A "ravine"', **{"top": 0.1, "begin": STEPS} | changes)


def given():
    text = re.search(r'<script type="application/json">(.*?)</script>', figure()._repr_html_())
    return json.loads(text[1])


@pytest.fixture(scope="module")
def views():
    return {setting: ravine.view(*setting) for setting in EVERY_SETTING}


def test_the_script_says_what_python_says_for_every_setting(views):
    node = shutil.which("node")
    if node is None:
        pytest.skip("Node.js is not here: the browser checks try the same for some settings")
    done = subprocess.run(
        [node, "--input-type=module", "-e", CALL, SCRIPT.as_uri()], text=True, check=True,
        input=json.dumps({"given": given(), "every": EVERY_SETTING}), capture_output=True,
        encoding="utf-8",
    )  # fmt: skip
    found = json.loads(done.stdout)
    assert len(found) == len(views) == 660
    for setting, said in zip(EVERY_SETTING, found, strict=True):
        assert said == views[setting], setting


def test_the_parts_are_those_of_the_mean_square():
    for noise, top, begin in EVERY_SETTING[::53]:
        plan = ravine.plan(top, begin)
        start, let_in, steep = ravine.parts(plan, noise)
        both = FLAT / 2 * rates.mean_square(plan, FAR, FLAT, noise)[-1]
        assert start == pytest.approx(FLAT / 2 * FAR * np.prod((1 - np.array(plan) * FLAT) ** 2))
        assert start + let_in == pytest.approx(both)
        assert steep == pytest.approx(STEEP / 2 * rates.mean_square(plan, FAR, STEEP)[-1])


def test_plans_stay_and_then_fall_in_a_line():
    late, never, at_once = (np.array(ravine.plan(0.5, begin)) for begin in (800, STEPS, 0))
    assert (late[:801] == 0.5).all() and late[900] == pytest.approx(0.25)
    assert (never == 0.5).all()
    np.testing.assert_allclose(at_once, 0.5 * (1 - np.arange(STEPS) / STEPS))


@pytest.mark.parametrize("noise", TASKS)
def test_a_task_needs_a_fall_and_has_more_than_one_answer(noise, views):
    done = [s for s in EVERY_SETTING if s[0] == noise and " is below" in views[s]["seen"]]
    assert 2 <= len(done) <= 40 and all(0 < top < HIGHEST / 20 for _, top, _ in done[:-1])
    assert max(begin for *_, begin in done) < 800
    constant = min(views[noise, k / 20, STEPS]["total"] for k in range(1, HIGHEST + 1))
    assert constant > 1.3 * TASKS[noise]


def test_the_verdict_is_that_of_the_total_and_of_the_printed_number(views):
    for (noise, _, _), said in views.items():
        assert (said["total"] < TASKS[noise]) == (" is below" in said["seen"])
        assert said["words"]["total"].split()[1] in said["seen"]
        total, verdict = re.search(r"The total (\S+) is (.*?) \d+\.", said["seen"]).groups()
        assert (float(total) < TASKS[noise]) == (verdict == "below")


def test_three_plans_do_the_task_and_the_third_by_three_hundredths(views):
    done = {s[1:] for s, said in views.items() if s[0] == 1 and " is below" in said["seen"]}
    assert done == {(0.25, 500), (0.25, 600), (0.2, 700)}
    assert "The total 88.97 is below 89." in views[1.0, 0.2, 700]["seen"]
    assert "The total 89.01 is not below 89." in views[1.0, 0.25, 700]["seen"]


@pytest.mark.parametrize("setting", [(1.0, 0.1, STEPS), (0.1, 1.5, STEPS), (0.1, 1.25, 0)])
def test_the_picture_shows_the_parts(setting):
    noise, top, begin = setting
    html = figure(top=top, begin=begin, noise=noise)._repr_html_()
    drawn, said = ET.fromstring(re.search(r"<svg.*</svg>", html, re.S)[0]), ravine.view(*setting)
    words = {t.get("data-part"): t.text for t in drawn.iter(f"{SVG}text") if t.get("data-part")}
    assert words == said["words"] and said["seen"] in html
    bars = [b for b in drawn.iter(f"{SVG}rect") if b.get("class") == "bp-part"]
    assert [[b.get("x"), b.get("width")] for b in bars] == said["bars"]
    ends = [float(b.get("x")) + float(b.get("width")) for b in bars]
    assert ends == sorted(ends) and ends[-1] <= ravine.RIGHT
    if ends[-1] < ravine.RIGHT:
        width = said["total"] / ravine.WIDE * (ravine.RIGHT - ravine.BAR)
        assert ends[-1] == pytest.approx(ravine.BAR + width, abs=0.2)


def test_output_is_the_same_each_time_and_self_contained():
    html = figure()._repr_html_()
    assert html == figure()._repr_html_() and len(html) < 20_000
    assert re.findall(r"\sid=\"?([\w-]+)", html) == ["ravine-two"]
    assert set(re.findall(r"https?://[^\"' )]+", html)) == {"http://www.w3.org/2000/svg"}
    assert (
        'aria-label="A &quot;ravine&quot;"' in html and '<div class="bp-controls" hidden>' in html
    )
    assert repr(figure()) == "Ravine(top=0.1, begin=1000, noise=1.0)"
    assert ">never<" in html and ">step 600<" in figure(begin=600)._repr_html_()


def test_errors_name_the_argument():
    for wrong in ({"top": 0.07}, {"top": 1.55}, {"top": 0}, {"begin": 50}, {"noise": 0.3}):
        with pytest.raises(ValueError, match=f"Ravine: {next(iter(wrong))} is"):
            figure(**wrong)
    with pytest.raises(ValueError, match="name is 'a b'"):
        figure(name="a b")
