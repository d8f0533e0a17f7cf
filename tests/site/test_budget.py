"""The pages of the second edition in a browser: their height, their first screen, their widths."""

import sys
from pathlib import Path

import pytest
from conftest import chapters

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from second_edition import HEIGHT, SECOND_EDITION

PAGES = [p for p in chapters() if Path(p).stem in SECOND_EDITION]
second = pytest.mark.parametrize(
    "page",
    [pytest.param(p, marks=pytest.mark.xdist_group(p)) for p in PAGES] or ["absent"],
)

OUTPUTS = [
    ".cell_output pre", ".cell_output .output", "table", "div.math", ".bp-drawn", ".bp-figure",
    ".pst-scrollable-table-container",
]  # fmt: skip
# Blocks that hold more than they show: what a reader would have to scroll sideways to see.
CUT = """selectors => [...document.querySelectorAll(selectors.map(s => 'article ' + s).join(','))]
  .filter(e => e.checkVisibility() && getComputedStyle(e).display !== 'inline'
    && e.scrollWidth > e.clientWidth + 1)
  .map(e => `${e.scrollWidth} in ${e.clientWidth}: ${e.textContent.trim().slice(0, 60)}`)"""


@second
def test_height_before_the_exercises(visit, page):
    seen = visit(page).page
    top = seen.locator("#exercises").bounding_box()["y"] + seen.evaluate("window.scrollY")
    assert top <= HEIGHT


@second
def test_a_figure_is_within_the_first_screen(visit, page):
    seen = visit(page).page
    seen.evaluate("scrollTo(0, 0)")
    figures = "article figure svg:visible, article .bp-figure svg:visible"  # a stepper hides some
    figure = seen.locator(figures).first.bounding_box()
    assert figure["y"] + figure["height"] <= 900
    bars = seen.locator("article details.toggle-details, article div.cell details")
    above = [bar for bar in bars.all() if (box := bar.bounding_box()) and box["y"] < figure["y"]]
    assert len(above) <= 1


@second
def test_no_block_is_wider_than_its_column(visit, page):
    assert visit(page).page.evaluate(CUT, [*OUTPUTS, "div.highlight pre"]) == []


@second
def test_no_output_is_cut_on_a_phone(phone, page):
    cut = phone(page).page.evaluate(CUT, OUTPUTS)
    assert not cut, "\n".join(cut)


@second
def test_words_in_figures_are_legible_on_a_phone(phone, page):
    small = phone(page).page.evaluate(
        """() => [...document.querySelectorAll('article figure svg text, article .bp-now text')]
          .filter(t => t.checkVisibility())
          .map(t => [parseFloat(getComputedStyle(t).fontSize) *
                     Math.hypot(t.getScreenCTM().a, t.getScreenCTM().b), t.textContent])
          .filter(([size]) => size < 11)"""
    )
    assert small == []


@second
def test_evidence_is_one_line_that_opens_to_code_and_table(visit, page):
    seen = visit(page, unfolding=True).page
    boxes = seen.locator("article details.bp-evidence")
    assert boxes.count() >= 1
    for box in boxes.all():
        assert box.bounding_box()["height"] < 40
        assert box.locator("summary").inner_text().startswith("Checked: SymPy")
        box.locator("summary").click()
        assert box.locator("table").is_visible() and box.locator("pre").first.is_visible()


@second
def test_a_solution_is_one_fold_that_holds_text_and_code(visit, page):
    seen = visit(page, unfolding=True).page
    solutions = seen.locator("article .solution.admonition")
    assert solutions.count() >= 5
    for solution in solutions.all():
        assert not solution.locator("pre").first.is_visible()
        solution.locator("button.toggle-button").click()
        assert solution.locator("div.cell_input pre").first.is_visible()
        assert solution.locator("div.cell_output").first.is_visible()
        assert solution.locator("details").count() == 0


@second
def test_answers_to_oneself_are_folded(visit, page):
    seen = visit(page, unfolding=True).page
    in_the_open = 0
    for box in seen.locator("article .admonition.ask").all():
        # A question that stands in a fold is asked of those who opened it.
        folds = box.locator("xpath=ancestor::details").all()
        for fold in folds:
            fold.evaluate("fold => { fold.open = true; }")
        in_the_open += not folds
        answer = box.locator("details")
        assert answer.get_attribute("open") is None
        answer.locator("summary").click()
        assert answer.locator("p").first.is_visible()
    assert in_the_open >= 3
