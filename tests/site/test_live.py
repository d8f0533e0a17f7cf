"""Exercises answered in the page itself, as a reader does it."""

import os
import sys
from pathlib import Path

import pytest
from conftest import lacking

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "book/_ext"))
import live_cells  # noqa: E402

FIRST_USE = 300_000
"""Milliseconds in which Python must answer for the first time, on a busy machine too."""
RUNTIME = "_static/live/runtime"
MATRICES = "book/part2-algorithm/matrix-form.html"
BACK = "def error_back(delta, W, slope):\n    return (delta @ {}) * slope"
MOMENTUM = """
def momentum(gradients, eta, beta):
    v, changes = 0, []
    for g in gradients:
        v = beta * v + g
        changes.append({})
    return np.array(changes)
"""
# Page, exercise, a wrong answer with a word of the hint, and the right one: one of each part. Since
# Python starts anew for each page, all but one of them wait for the weekly run.
ANSWERS = [
    (MATRICES, "ex-mf-back", BACK.format("W"), "wrong index", BACK.format("W.T")),
    ("book/part1-idea/networks.html", "ex-networks-count", "number = 2720", "bias",
     "number = 2778"),
    ("book/part3-training/momentum-to-adam.html", "ex-ma-momentum", MOMENTUM.format("-eta * g"),
     "", MOMENTUM.format("-eta * v")),
    ("book/part4-architectures/attention.html", "ex-attention-hand", "y, ds = 7, [0, -2.4, 2.4]",
     "", "y, ds = 4, [0, -2.4, 2.4]"),
][: None if os.environ.get("BACKPROP_LIVE") else 1]  # fmt: skip


@pytest.fixture(autouse=True)
def runtime(site):
    if not (site / RUNTIME / "manifest.json").exists():
        if os.environ.get("BACKPROP_REQUIRE_LIVE") or os.environ.get("BACKPROP_LIVE"):
            pytest.fail("no runtime on the site: run make live")
        lacking("no runtime on the site: run make live")


class Answering:
    """One exercise, opened in a page."""

    def __init__(self, page, label):
        self.page, self.box = page, page.locator(f"[id='{label}'] .live")
        self.button("Try it here").click()
        self.editor = self.box.locator(".cm-content")
        self.editor.wait_for()

    def button(self, name):
        return self.box.get_by_role("button", name=name)

    def write(self, code):
        self.editor.click()
        self.page.keyboard.press("Control+A")
        self.page.keyboard.press("Delete")
        self.page.keyboard.insert_text(code)

    def ask(self, name, code=None):
        """Press Run or Check, and return what is shown when it has ended."""
        if code is not None:
            self.write(code)
        self.button(name).click()
        output = self.box.locator(".live-output > *").first
        output.wait_for(timeout=FIRST_USE)
        return self.box.locator(".live-output").inner_text().strip()


@pytest.mark.xdist_group("live")
@pytest.mark.parametrize("page, label, wrong, word, right", ANSWERS)
def test_a_wrong_answer_gets_a_hint_and_a_right_one_praise(visit, page, label, wrong, word, right):
    seen = visit(page, fresh=True)
    exercise = Answering(seen.page, label)
    first = exercise.ask("Check", wrong)
    assert first.startswith("Not yet.") and word in first
    assert len(exercise.ask("Check")) >= len(first)
    assert exercise.ask("Check", right).startswith("Right.")
    assert " 1 of " in seen.page.locator(".live-progress").inner_text()
    assert seen.foreign == [] and seen.complaints == []


@pytest.mark.xdist_group("live")
def test_output_errors_plots_and_an_endless_loop(visit):
    page = visit(MATRICES, fresh=True).page
    exercise = Answering(page, "ex-mf-back")
    assert "three dots in line 2" in exercise.ask("Check")
    assert exercise.ask("Run", "print('hello')\n1 + 1") == "hello\n2"
    error = exercise.ask("Run", "def f(t):\n    return 1 / t\n\n\nf(0)")
    assert "ZeroDivisionError" in error and "line 5" in error and "live.py" not in error
    exercise.ask("Run", "import matplotlib.pyplot as plt\nplt.plot([1, 2])\nplt.show()")
    assert exercise.box.locator(".live-output img").count() == 1
    exercise.write("while True:\n    pass")
    exercise.button("Run").click()
    page.wait_for_timeout(1000)
    exercise.button("Stop").click()
    exercise.box.get_by_text("Stopped.").wait_for()
    assert exercise.ask("Check", BACK.format("W.T")).startswith("Right.")


REACH = """
import js
reached = []
for name in ("localStorage", "document", "parent"):
    if getattr(js, name, None):
        reached.append(name)
request = js.XMLHttpRequest.new()
try:
    request.open("GET", "ADDRESS", False)
    request.send()
    reached.append("the network")
except Exception:
    pass
try:
    js.indexedDB.open("x")
    reached.append("the database")
except Exception:
    pass
print(reached)
"""


@pytest.mark.xdist_group("live")
def test_the_readers_code_reaches_neither_the_network_nor_the_sites_storage(visit, base):
    exercise = Answering(visit(MATRICES, fresh=True).page, "ex-mf-back")
    assert exercise.ask("Run", REACH.replace("ADDRESS", base)) == "[]"


@pytest.mark.xdist_group("live")
def test_the_text_survives_a_reload_and_starting_over_brings_the_first_back(visit):
    page = visit(MATRICES, fresh=True).page
    Answering(page, "ex-mf-back").write("x = 1  # mine")
    page.reload()
    exercise = Answering(page, "ex-mf-back")
    assert exercise.editor.inner_text() == "x = 1  # mine"
    exercise.button("Start over").click()
    assert exercise.editor.inner_text().startswith("def error_back(delta, W, slope):")


@pytest.mark.xdist_group("live")
def test_a_full_store_is_said_and_the_answer_is_checked_all_the_same(visit):
    page = visit(MATRICES, fresh=True).page
    page.evaluate("() => { Storage.prototype.setItem = () => { throw new Error('full'); }; }")
    exercise = Answering(page, "ex-mf-back")
    exercise.write(BACK.format("W.T"))
    exercise.box.get_by_text("keeps no more text").wait_for()
    assert exercise.ask("Check").startswith("Right.")


@pytest.mark.xdist_group("live")
def test_without_its_runtime_the_page_says_that_live_cells_are_off(visit):
    page = visit(MATRICES, fresh=True).page
    page.route("**/runtime/**", lambda route: route.fulfill(status=404))
    page.locator("[id='ex-mf-back'] .live").get_by_role("button").click()
    page.get_by_text("Live cells are off").wait_for()


SPOILT = {
    "altered": ("**/backprop.zip", lambda route: route.fulfill(body=b"something else")),
    "cut off": ("**/pyodide.asm.wasm", lambda route: route.abort("connectionreset")),
}


@pytest.mark.xdist_group("live")
@pytest.mark.parametrize("how", SPOILT)
def test_a_spoilt_download_is_refused_and_the_next_one_taken(visit, how):
    page = visit(MATRICES, fresh=True).page
    page.context.route(*SPOILT[how])
    exercise = Answering(page, "ex-mf-back")
    exercise.button("Run").click()
    exercise.box.get_by_text("Run it again to start afresh").wait_for(timeout=FIRST_USE)
    page.context.unroute_all()
    assert exercise.ask("Check", BACK.format("W.T")).startswith("Right.")


@pytest.mark.xdist_group("live")
def test_it_fits_on_a_phone_and_works_by_keyboard(visit):
    page = visit(MATRICES, width=390, height=844, fresh=True).page
    exercise = Answering(page, "ex-mf-back")
    exercise.write(BACK.format("W.T"))
    page.keyboard.press("Control+Enter")
    exercise.box.get_by_text("Right.").wait_for(timeout=FIRST_USE)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390


def answers():
    """Return every exercise's own answer, where all are asked for."""
    if not os.environ.get("BACKPROP_LIVE"):
        return []
    found = sorted((ROOT / "book").glob("part*/*.ipynb"))
    return [pytest.param(path, id=path.stem) for path in found]


@pytest.mark.xdist_group("live")
@pytest.mark.parametrize("path", answers())
def test_every_solution_is_right_in_the_browser(visit, path):
    from test_live_cells import ELSEWHERE

    seen = visit(f"{path.relative_to(ROOT).with_suffix('.html').as_posix()}", fresh=True)
    for one in live_cells.exercises(path):
        if one.label not in ELSEWHERE:
            exercise = Answering(seen.page, one.label)
            shown = exercise.ask("Run", one.solution)
            assert "Traceback" not in shown, f"{one.label}: {shown}"
