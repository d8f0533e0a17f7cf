"""The ten switches in a real browser: by pointer, by keyboard, and without JavaScript."""

import pytest
from conftest import fit_a_phone

from backprop.book.figures.switches import HIDDEN, WHY, TenSwitches, prompt, view


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


def press(page, name):
    page.get_by_role("button", name=name, exact=True).click()


def seen(page):
    return page.locator(".bp-seen").inner_text()


def words(page):
    return dict(
        page.locator(".bp-said").evaluate_all("all => all.map(e => [e.dataset.row, e.textContent])")
    )


def hide(page, fault):
    """Let chance choose this one of the faults that may be hidden."""
    page.evaluate(f"Math.random = () => {HIDDEN.index(fault) / len(HIDDEN) + 0.01}")
    press(page, "Hide a fault")


def test_a_hidden_fault_is_asked_for_and_named(alone):
    page = alone(figure())
    assert not page.get_by_role("button", name="compass").is_visible()
    hide(page, 6)
    assert seen(page) == prompt() and set(words(page).values()) == {"?"}
    assert drawn(page) == ["hidden"] * 31 and not page.get_by_label("8 one-hot").is_visible()
    assert page.evaluate("document.activeElement.textContent") == "loss"
    press(page, "6 start")
    assert seen(page) == "Ask for a reading first."
    press(page, "compass")
    said = view([6])["words"]
    assert page.locator(".bp-heard").text_content() == " cosine 1.00; ratio 1.00."
    assert words(page) == dict.fromkeys(said, "?") | {"cosine": "1.00", "ratio": "1.00"}
    press(page, "4 sign")
    assert seen(page) == "Not 4: “cosine” would then read −1.00, and it reads 1.00."
    press(page, "8 one-hot")
    assert "Ask for more" in seen(page)
    press(page, "6 start")
    assert seen(page).startswith(f"Right, it is 6. {WHY[6]} But with 7 or 8 or 9 or 10, ")
    assert words(page) == said
    press(page, "Back to the switches")
    agrees(page, (6,))
    assert page.get_by_label("8 one-hot").is_visible()
    page.get_by_label("6 start").check()
    agrees(page, ())


def test_each_fault_is_hidden_once_before_any_comes_again(alone):
    page = alone(figure())
    press(page, "Hide a fault")
    found = []
    for _ in HIDDEN:
        for name in ("loss", "printed", "new images", "own images", "compass"):
            press(page, name)
        everything = words(page)
        (fault,) = (k for k in HIDDEN if view([k])["words"] == everything)
        page.locator(f'button[value="{fault}"]').click()
        assert seen(page) == f"Right, it is {fault}. {WHY[fault]}"
        found.append(fault)
        press(page, "Hide another")
        assert page.locator('[aria-pressed="true"], .bp-out').count() == 0
    assert sorted(found) == [*HIDDEN]


def test_a_hidden_fault_by_keyboard(alone):
    page = alone(figure())
    page.evaluate("Math.random = () => 0.9")
    page.get_by_role("button", name="Hide a fault").focus()
    page.keyboard.press("Enter")
    page.keyboard.press("Space")  # on the first question, the loss
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    said = view([10])["words"]
    assert words(page) == dict.fromkeys(said, "?") | {k: said[k] for k in ("loss", "printed")}
    for _ in range(4 + len(HIDDEN) - 1):
        page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    assert seen(page).startswith("Right, it is 10. ")


def test_without_a_script_nothing_of_the_game_is_there(alone):
    still = alone(figure(), java_script_enabled=False)
    assert still.locator("button").count() == 17
    assert not any(still.locator("button").nth(k).is_visible() for k in range(17))
    agrees(still, (8, 9, 10))


def test_on_the_chapters_page_it_fits_and_reads(site, visit):
    fit_a_phone(visit, "switches")
