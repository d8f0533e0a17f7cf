"""The ten switches in a real browser: by pointer, by keyboard, and without JavaScript."""

import pytest
from conftest import fit_a_phone

from backprop.book.figures.switches import TenSwitches, view


def figure(left_in=(8, 9, 10)):
    return TenSwitches(left_in, "Ten faults")


def agrees(page, left_in):
    said = view(left_in)
    assert page.locator(".bp-seen").inner_text() == said["seen"]
    assert page.locator(".bp-heard").text_content() == said["heard"]
    assert page.locator(".bp-panel").text_content() == said["panel"]
    assert (page.locator(".bp-curve").get_attribute("d") or "") == said["path"]
    words = page.locator(".bp-said").evaluate_all(
        "all => all.map(e => [e.dataset.row, e.textContent])"
    )
    assert dict(words) == said["words"]


def drawn(page):
    """The places of all marks that are seen, and of the bar."""
    return page.locator(".bp-marks > *, .bp-bar").evaluate_all(
        "all => all.map(e => ['transform', 'visibility', 'x1', 'x2'].map(k => e.getAttribute(k)))"
        ".map(e => e[1] === 'hidden' ? 'hidden' : e)"
    )


@pytest.mark.parametrize("left_in", [(), (8, 9, 10), (3, 4, 5), (1, 7), (2, 6)])
def test_the_script_draws_what_python_drew(alone, left_in):
    page, still = alone(figure(left_in)), alone(figure(left_in), java_script_enabled=False)
    for seen in (page, still):
        agrees(seen, left_in)
    assert drawn(page) == drawn(still)
    assert not still.locator("input").first.is_visible()


def test_switches_and_buttons(alone):
    page = alone(figure())
    page.get_by_label("8 one-hot").check()
    agrees(page, (9, 10))
    page.get_by_label("9 score").focus()
    page.keyboard.press("Space")
    agrees(page, (10,))
    page.get_by_label("1 chain rule").uncheck()
    agrees(page, (1, 10))
    page.get_by_role("button", name="Mend all").click()
    agrees(page, ())
    page.get_by_role("button", name="Mend none").click()
    agrees(page, range(1, 11))


def test_on_the_chapters_page_it_fits_and_reads(site, visit):
    fit_a_phone(visit, "switches")
