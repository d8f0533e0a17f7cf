"""The ravine in a real browser: by pointer, by keyboard, and without JavaScript."""

from itertools import pairwise

import pytest
from conftest import fit_a_phone

from backprop.book.figures.ravine import STEPS, Ravine, view


def figure(top=0.1, begin=STEPS, noise=1.0):
    return Ravine("A ravine", top=top, begin=begin, noise=noise)


def agrees(page, noise, top, begin, best=""):
    said = view(noise, top, begin)
    assert page.locator(".bp-live").inner_text() == said["seen"] + best
    assert page.locator(".bp-rates").get_attribute("d") == said["path"]
    words = page.locator(".bp-said").evaluate_all(
        "all => all.map(e => [e.dataset.part, e.textContent])"
    )
    assert dict(words) == said["words"]
    bars = page.locator(".bp-part").evaluate_all(
        "all => all.map(e => [e.getAttribute('x'), e.getAttribute('width')])"
    )
    assert bars == said["bars"]


@pytest.mark.parametrize("setting", [(1.0, 0.1, STEPS), (0.1, 1.5, STEPS), (0.1, 1.25, 0)])
def test_the_script_draws_what_python_drew(alone, setting):
    noise, top, begin = setting
    drawn = figure(top, begin, noise)
    page, still = alone(drawn), alone(drawn, java_script_enabled=False)
    for seen in (page, still):
        agrees(seen, *setting)
    moved = [p.locator(".bp-task").get_attribute("transform") for p in (page, still)]
    assert moved[0] == moved[1] and not still.locator("input").first.is_visible()


def test_sliders_keys_and_buttons(alone):
    page = alone(figure())
    top, begin = page.get_by_label("top rate"), page.get_by_label("fall begins")
    begin.fill("600")
    top.focus()
    for _ in range(3):
        page.keyboard.press("ArrowRight")
    agrees(page, 1.0, 0.25, 600)
    assert "is below 89" in page.locator(".bp-live").inner_text()
    assert page.locator(".bp-value").all_inner_texts() == ["0.25", "step 600"]
    page.keyboard.press("ArrowRight")
    agrees(page, 1.0, 0.3, 600, " Your lowest so far: 88.7.")
    page.get_by_label("0.1", exact=True).check()
    agrees(page, 0.1, 0.3, 600)
    page.get_by_role("button", name="Start again").click()
    agrees(page, 1.0, 0.1, STEPS)


def test_words_do_not_touch(alone):
    page = alone(figure(1.5, STEPS))
    for change in (1, 30):
        page.get_by_label("top rate").fill(str(change))
        boxes = page.locator(".bp-said").evaluate_all(
            "all => all.map(e => e.getBoundingClientRect()).map(b => [b.left, b.right, b.top])"
        )
        row = sorted(box for box in boxes if abs(box[2] - boxes[1][2]) < 3)
        assert len(row) == 3 and all(a[1] < b[0] for a, b in pairwise(row))


def test_on_the_chapters_page_it_fits_and_reads(site, visit):
    fit_a_phone(visit, "ravine")
