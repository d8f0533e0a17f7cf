"""The sentence that a reader walks along, in a real browser: cursor, colours and words."""

import pytest

from backprop.book import reading
from backprop.book.figures.reader import Reader

DATA = reading.stored()["long"]


def figure(start):
    return Reader("x", DATA, start, "A sentence")


def agrees(page, k):
    """Fail unless the figure shows what Python would show at letter k."""
    assert page.locator(".bp-live").inner_text() == figure(k).sentence()
    letters = page.locator(".bp-letter")
    assert letters.nth(k).evaluate("e => e.classList.contains('bp-next')")
    assert page.locator(".bp-next").count() == 1
    assert page.locator(".bp-later").count() == len(DATA["text"]) - 1 - k
    came = DATA["text"][k]
    for name, model in zip(page.locator(".bp-model").all(), DATA["models"].values(), strict=True):
        assert name.locator(".bp-came").count() == (came in model["letters"][k])


def test_without_a_script_the_first_letter_is_whole(alone):
    still = alone(figure(45), java_script_enabled=False)
    agrees(still, 45)
    assert not still.locator("button").first.is_visible()


def test_buttons_keys_and_letters_move_the_cursor(alone):
    page = alone(figure(45))
    agrees(page, 45)
    page.get_by_role("button", name="Next").click()
    agrees(page, 46)
    page.get_by_role("button", name="Previous").click()
    page.get_by_role("button", name="Previous").click()
    agrees(page, 44)
    page.get_by_label("letter: A sentence").focus()
    page.keyboard.press("Home")
    agrees(page, 0)
    page.get_by_role("button", name="Previous").click(force=True)
    agrees(page, 0)
    page.locator(".bp-letter").nth(20).click()
    agrees(page, 20)


@pytest.mark.parametrize("colour", ["error", "0", "2"])
def test_colours_are_the_stored_shades(alone, colour):
    page = alone(figure(30))
    page.locator(f"input[value='{colour}']").check()
    rows = DATA["error"] if colour == "error" else DATA["attention"][int(colour)]
    shown = page.locator(".bp-letter").evaluate_all(
        "all => all.map(e => Number(e.style.getPropertyValue('--shade')))"
    )
    digits = [int(digit) / 9 for digit in rows[30][len(DATA["begin"]) :]]
    assert shown == pytest.approx(digits + [0] * (len(DATA["text"]) - 30))
