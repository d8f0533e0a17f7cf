"""The decision regions in a real browser: its forward pass against that of `backprop`."""

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from conftest import SITE, chapters

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from explorer_cases import START, TASKS, explorer

from backprop.book.figures.explorer import ACTIVATIONS, Setting


@pytest.fixture
def alone(browser):
    """A function that shows the figure alone on a page, with or without JavaScript."""
    contexts, complaints = [], []

    def show(figure, **options):
        contexts.append(browser.new_context(viewport={"width": 390, "height": 900}, **options))
        page = contexts[-1].new_page()
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.set_content(figure._repr_html_())
        return page

    yield show
    for context in contexts:
        context.close()
    assert complaints == []


def told(page):
    """The output and the number of right points as computed, and what the figure says."""
    root = page.locator(".bp-explorer")
    return (
        float(root.get_attribute("data-output")),
        int(root.get_attribute("data-right")),
        page.locator(".bp-live").inner_text(),
    )


def agrees(page, setting, task="XOR", point=(0.5, 0.5)):
    output, right, words = told(page)
    expected = setting.network().forward(np.array([point])).item()
    assert output == pytest.approx(expected, rel=1e-13)
    assert f"output {expected:.3f}." in words
    assert right == TASKS[task].right(setting).sum()
    assert words.startswith(f"{right} of {len(TASKS[task].x)} points right.")


def theta(setting, **changed):
    arrays = dict(zip(("W1", "b1", "W2", "b2"), setting.arrays(), strict=True))
    return Setting(setting.activation, **arrays | changed)


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_the_script_draws_what_python_drew(alone, activation):
    figure = explorer(replace(START, activation=activation))
    page, still = alone(figure), alone(figure, java_script_enabled=False)
    agrees(page, figure.start)
    read = "e => e.getAttribute('d')"
    assert page.eval_on_selector(".bp-region", read) == figure.region() != ""
    for selector in (".bp-unit line", ".bp-unit text"):
        shown = [p.locator(selector).evaluate_all(
            "all => all.map(e => ['x', 'y', 'x1', 'y1', 'x2', 'y2'].map(k => e.getAttribute(k)))"
        ) for p in (page, still)]  # fmt: skip
        assert shown[0] == shown[1]
    assert told(page)[2] == still.locator(".bp-live").inner_text() == figure.sentence()
    wrong = [p.locator(".bp-wrong .bp-cross:visible").count() for p in (page, still)]
    assert wrong[0] == wrong[1] == 4 - TASKS["XOR"].right(figure.start).sum()
    assert not still.locator("button").first.is_visible()


def test_sliders_turn_the_weights_by_keyboard(alone):
    page, (W1, b1, W2, b2) = alone(explorer()), START.arrays()
    page.get_by_label("unit 1, weight of x₁").focus()
    page.keyboard.press("ArrowRight")
    W1[0, 0] += 0.25
    agrees(page, theta(START, W1=W1))
    page.get_by_label("unit 2", exact=True).check()
    assert not page.get_by_label("unit 1, weight of x₁").is_visible()
    page.get_by_label("unit 2, weight of x₂").fill("-7.5")
    page.get_by_label("unit 2, bias").focus()
    page.keyboard.press("End")
    W1[1, 1], b1[1] = -7.5, 10
    agrees(page, theta(START, W1=W1, b1=b1))
    page.get_by_label("output", exact=True).check()
    page.get_by_label("output, weight of unit 3").fill("-1.25")
    page.get_by_label("output, bias").fill("2")
    W2[2], b2[0] = -1.25, 2
    changed = theta(START, W1=W1, b1=b1, W2=W2, b2=b2)
    agrees(page, changed)
    for activation, name in (("relu", "ReLU"), ("identity", "identity")):
        page.get_by_label(name, exact=True).check()
        agrees(page, replace(changed, activation=activation))
        figure = explorer(replace(changed, activation=activation))
        assert page.locator(".bp-region").get_attribute("d") == figure.region()
        assert told(page)[2] == figure.sentence()
    page.get_by_role("button", name="Start again").click()
    agrees(page, START)


@pytest.mark.parametrize("task", TASKS)
def test_solutions_get_every_point_right(alone, task):
    page = alone(explorer())
    page.get_by_label(task, exact=True).check()
    page.get_by_role("button", name="Show a solution").click()
    agrees(page, TASKS[task].solution, task)
    assert page.locator(".bp-task:visible .bp-wrong").count() == 0


def test_the_cross_moves_by_slider_and_by_pointer(alone):
    page = alone(explorer())
    page.get_by_label("cross", exact=True).check()
    page.get_by_label("cross, x₁").fill("0.1")
    page.get_by_label("cross, x₂").fill("1.15")
    agrees(page, START, point=(0.1, 1.15))
    frame = page.locator(".bp-explorer svg > rect").bounding_box()
    page.mouse.click(frame["x"] + frame["width"] * 0.25, frame["y"] + frame["height"] * 0.5)
    agrees(page, START, point=(0.15, 0.5))


def test_on_the_chapters_pages_it_fits_and_reads(site, visit):
    pages = [p for p in chapters() if 'class="bp-explorer"' in (SITE / p).read_text("utf-8")]
    if not pages:
        pytest.skip("no chapter of the built site has this figure")
    for name in pages:
        for dark in (False, True):
            seen = visit(name, width=390, height=844, dark=dark)
            figure = seen.page.locator(".bp-explorer").first
            assert figure.bounding_box()["width"] <= 390
            sizes = figure.evaluate(
                """root => [...root.querySelectorAll('svg text')].map(t =>
                  parseFloat(getComputedStyle(t).fontSize) * t.getScreenCTM().a)"""
            )
            assert min(sizes) >= 11
            ground, ink = figure.evaluate(
                """root => [getComputedStyle(document.body).backgroundColor,
                  getComputedStyle(root.querySelector('.bp-live')).color]"""
            )
            assert ground != ink and seen.complaints == []
