"""The decision regions in a real browser: its forward pass against that of `backprop`."""

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from conftest import fit_a_phone

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from explorer_cases import START, TASKS, explorer

from backprop.book.figures import embed
from backprop.book.figures.explorer import ACTIVATIONS, IN_WORDS, WINDOW, Setting
from backprop.book.figures.regions import crossing, region
from backprop.book.figures.stepper import Stepper, network_steps


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


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("task", TASKS)
def test_solutions_get_every_point_right(alone, task, activation):
    """With the reader's own activation where a solution has it, else it says what changed."""
    page = alone(explorer(replace(START, activation=activation)))
    page.get_by_label(task, exact=True).check()
    page.get_by_role("button", name="Show a solution").click()
    stored = {s.activation: s for s in TASKS[task].solutions}
    expected = stored.get(activation, TASKS[task].solutions[0])
    words = told(page)[2]
    note = f"The hidden units are {IN_WORDS[expected.activation]} now: "
    assert words.startswith(note) == (activation not in stored)
    none_exists = activation == "identity" and not TASKS[task].straight
    assert ("with the identity there is no solution" in words) == none_exists
    assert ("no solution is stored for" in words) == (activation not in stored and not none_exists)
    assert page.locator("input[data-sets=activation]:checked").input_value() == expected.activation
    assert page.locator(".bp-task:visible .bp-wrong").count() == 0
    assert words.endswith("No effect, because the weight to the output is 0: unit 3.")
    # The note goes with the reader's next touch.
    page.get_by_label("output", exact=True).check()
    agrees(page, expected, task)


@pytest.fixture(scope="module")
def script(browser):
    """A function that calls a function of a figure's script, as the browser has it."""
    page = browser.new_page()

    def call(name, function, *arguments):
        return page.evaluate(
            """async ([source, name, given]) => {
              const script = await import('data:text/javascript,' + encodeURIComponent(source));
              return script[name](...given);
            }""",
            [embed.source(f"{name}.js"), function, list(arguments)],
        )

    yield call
    page.close()


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_the_scripts_functions_compute_what_python_computes(script, activation):
    rng = np.random.default_rng(3)
    shapes = ((2, 3), (3,), (3, 1), (1,))
    frame = WINDOW.geometry()
    for _ in range(5):
        setting = Setting(activation, *(rng.integers(-12, 13, s) / 4 for s in shapes))
        given = {"activation": activation, "theta": setting.theta.tolist()}
        x = rng.uniform(WINDOW.low, WINDOW.high, (1, 2))
        expected = setting.network().forward(x).item()
        assert script("explorer", "output", given, x[0].tolist()) == pytest.approx(expected, 1e-13)
        assert script("explorer", "region", given, frame) == region(setting.logit, WINDOW)
        for j in range(3):
            unit = [given["theta"][k] for k in (j, 3 + j, 6 + j)]
            found = script("explorer", "crossing", unit, frame) or []
            assert np.allclose(found, crossing(*unit, WINDOW), rtol=0, atol=1e-12)


def test_the_steppers_keys(script):
    keys = ["ArrowLeft", "ArrowRight", "Home", "End", "a"]
    assert [script("stepper", "destination", key, 1, 2) for key in keys] == [0, 2, 0, 2, None]
    assert script("stepper", "destination", "ArrowRight", 2, 2) == 2


def test_several_figures_on_one_page_leave_each_other_alone(browser):
    page = browser.new_page()
    complaints = []
    page.on("pageerror", lambda error: complaints.append(str(error)))
    frames = network_steps([1, 1], [{"caption": "one"}, {"caption": "two"}])
    figures = [explorer(name="a"), explorer(name="b"), Stepper("a", frames, "A net")]
    figures.append(Stepper("b", frames, "A net"))
    before = page.evaluate("Object.keys(window)")
    page.set_content("".join(figure._repr_html_() for figure in figures))
    assert page.evaluate("Object.keys(window)") == before
    assert page.locator(".bp-on").count() == 4
    page.locator("#stepper-b").get_by_role("button", name="Next").click()
    words = [page.locator(f"#stepper-{k} .bp-live").inner_text() for k in "ab"]
    assert words == ["Frame 1 of 2. one", "Frame 2 of 2. two"]
    page.locator("#explorer-b").get_by_label("identity", exact=True).check()
    assert page.locator("#explorer-a").get_by_label("tanh", exact=True).is_checked()
    page.close()
    assert complaints == []


def test_the_diamond_moves_by_slider_and_by_pointer(alone):
    page = alone(explorer())
    page.get_by_label("diamond", exact=True).check()
    page.get_by_label("diamond, x₁").fill("0.1")
    page.get_by_label("diamond, x₂").fill("1.15")
    agrees(page, START, point=(0.1, 1.15))
    frame = page.locator(".bp-explorer svg > rect").bounding_box()
    page.mouse.click(frame["x"] + frame["width"] * 0.25, frame["y"] + frame["height"] * 0.5)
    agrees(page, START, point=(0.15, 0.5))


def test_on_the_chapters_pages_it_fits_and_reads(site, visit):
    fit_a_phone(visit, "explorer")
