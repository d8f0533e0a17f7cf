"""The built site in a real browser."""

import io

import browsing
import numpy as np
import pytest
from conftest import chapters

# Markup out of the book's reach, by axe's rule: which element, and why it may stay.
THEMES_OWN = {
    "aria-required-children": (
        'class="citation-list"',
        "docutils marks a bibliography role=list and its entries role=doc-biblioentry, which "
        "ARIA 1.2 deprecated in favour of listitem; readers still announce the entries",
    ),
}

EQUATIONS = """() => [...document.querySelectorAll('.math')]
  .filter(e => !e.querySelector('.katex math') || e.querySelector('.katex-error'))
  .map(e => e.textContent.trim().slice(0, 80))"""

# axe walks through what is excluded all the same; formulas and code are most of a page's elements.
LEAVE_OUT = """selectors => {
  window.leftOut = [...document.querySelectorAll(selectors)]
    .map(element => [element, [...element.childNodes]]);
  for (const [element] of leftOut) element.replaceChildren();
}"""
# What has the colours and the letters of something earlier has its contrast, too.
ALIKE = """() => {
  const seen = new Set();
  const mark = (element, ground) => {
    const { color, backgroundColor, backgroundImage, fontSize, fontWeight, opacity } =
      getComputedStyle(element);
    const kind = [ground, backgroundColor, backgroundImage, opacity].join();
    let alike = true;
    for (const child of element.children) alike = mark(child, kind) && alike;
    const told = node => node.nodeType === Node.TEXT_NODE && node.data.trim();
    if (element.checkVisibility() && [...element.childNodes].some(told)) {
      const letters = [kind, color, fontSize, fontWeight].join();
      alike = alike && seen.has(letters);
      seen.add(letters);
    }
    element.toggleAttribute('data-alike', alike);
    return alike;
  };
  mark(document.body, '');
}"""
PUT_BACK = "() => { for (const [element, all] of leftOut) element.replaceChildren(...all); }"

NAMELESS = """() => {
  const bad = [];
  for (const img of document.querySelectorAll('img')) {
    const alt = img.getAttribute('alt');
    const decorative = img.getAttribute('role') === 'presentation' || img.ariaHidden === 'true';
    const path = /[/\\\\]|\\.(png|svg|jpe?g|gif)$/i;
    if (alt === null || (!alt.trim() && !decorative) || path.test(alt))
      bad.push('img alt=' + JSON.stringify(alt));
  }
  for (const svg of document.querySelectorAll('article figure svg, article .cell_output svg')) {
    if (svg.closest('button, a, .katex')) continue;  // named by its control, or by MathML
    const name = svg.querySelector(':scope > title')?.textContent || svg.ariaLabel || '';
    if (svg.getAttribute('role') !== 'img' || !name.trim()) bad.push(svg.outerHTML.slice(0, 80));
  }
  return bad;
}"""


def test_page(visit, any_page):
    """No foreign request, no complaint, every equation rendered, every figure named."""
    seen = visit(any_page)
    seen.page.wait_for_load_state("networkidle")
    assert seen.foreign == []
    assert seen.complaints == []
    assert seen.page.evaluate(EQUATIONS) == []
    assert seen.page.evaluate(NAMELESS) == []


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_no_serious_axe_violation(visit, phone, any_page, dark):
    axe = pytest.importorskip("axe_playwright_python.sync_playwright").Axe()
    # What KaTeX made is its own, and code has the same colours on every page.
    exclude = [".katex", ".bp-drawn"]
    if any_page != chapters()[0]:
        exclude.append("div.highlight pre")
    page = (phone if dark else visit)(any_page).page
    page.evaluate(LEAVE_OUT, ", ".join(exclude))
    page.evaluate(ALIKE)
    contrast = {"runOnly": ["color-contrast"]}
    runs = [(contrast, [*exclude, "[data-alike]"])]
    if not dark:  # nothing but colours differs in the dark
        runs.append(({"rules": {"color-contrast": {"enabled": False}}}, exclude))
    violations = []
    for options, without in runs:
        context = {"exclude": [[selector] for selector in without]}
        options = {"resultTypes": ["violations"], **options}
        violations += axe.run(page, context=context, options=options).response["violations"]
    page.evaluate(PUT_BACK)
    serious = [
        f"{violation['id']} ({violation['impact']}): {node['html'][:160]}"
        for violation in violations
        if violation["impact"] in ("serious", "critical")
        for node in violation["nodes"]
        if THEMES_OWN.get(violation["id"], ("\0", ""))[0] not in node["html"]
    ]
    assert serious == []


def test_of_what_looks_alike_the_first_is_looked_at(alone):
    class Page:
        def _repr_html_(self):
            dim = '<p style="color: #ddd">{}</p>'
            fine = "<p>fine <b>bold</b></p>" * 3
            hidden = f"<div hidden>{dim.format('hidden')}</div>"
            return f"<body>{fine}{hidden}{dim.format('dim')}<div style='background: #000'>{fine}"

    page = alone(Page())
    page.evaluate(ALIKE)
    rest = page.locator(":is(p, b):not([data-alike])").all_inner_texts()
    assert rest == ["fine bold", "bold", "dim", "fine bold", "bold"]


def test_phone_does_not_scroll_sideways(phone, any_page):
    page = phone(any_page).page
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    wide = page.evaluate(
        """() => [...document.querySelectorAll('article *')].filter(e => {
          if (e.closest('.katex-mathml, .visually-hidden, .bp-stepper svg')) return false;
          const box = e.getBoundingClientRect();
          if (!box.width || box.right <= 391) return false;
          for (let p = e; p && p.tagName !== 'ARTICLE'; p = p.parentElement)
            if (/auto|scroll|hidden|clip/.test(getComputedStyle(p).overflowX)) return false;
          return true;
        }).map(e => e.outerHTML.slice(0, 100))"""
    )
    assert wide == []


def luminance(rgb):
    channels = rgb / 255
    linear = np.where(channels <= 0.04045, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4)
    return linear @ np.array([0.2126, 0.7152, 0.0722])


def ink_contrast(png):
    """Contrast of a picture's ink against the commonest colour: the 95th percentile."""
    image = pytest.importorskip("PIL.Image").open(io.BytesIO(png)).convert("RGB")
    pixels = np.asarray(image).reshape(-1, 3)
    # One number a colour: unique rows would be sorted far more slowly.
    codes = pixels.astype(np.uint32) @ np.array([1 << 16, 1 << 8, 1], np.uint32)
    _, first, counts = np.unique(codes, return_index=True, return_counts=True)
    ground = luminance(pixels[first[counts.argmax()]].astype(float))
    light = luminance(pixels.astype(float))
    ratio = (np.maximum(light, ground) + 0.05) / (np.minimum(light, ground) + 0.05)
    ink = ratio[ratio > 1.25]
    return float(np.percentile(ink, 95)) if ink.size else 1.0


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_figures_are_legible(visit, phone, any_page, dark):
    page = (phone if dark else visit)(any_page).page
    assert page.evaluate("document.documentElement.dataset.theme") == ("dark" if dark else "light")
    # KaTeX draws its roots as pictures, too: in a caption they are no figure.
    found = page.locator(
        "article figure img, article .cell_output img, article figure svg:not(.katex svg)"
    )
    for k in range(found.count()):
        figure = found.nth(k)
        if figure.is_visible():
            name = figure.get_attribute("alt") or figure.locator("title").text_content()
            assert ink_contrast(figure.screenshot()) >= 3, name


def test_the_contrast_check_itself():
    image = pytest.importorskip("PIL.Image")

    def picture(ink, ground):
        pixels = np.full((40, 40, 3), ground, np.uint8)
        pixels[10:14] = ink
        buffer = io.BytesIO()
        image.fromarray(pixels).save(buffer, "png")
        return buffer.getvalue()

    assert ink_contrast(picture(0, 255)) == pytest.approx(21)
    assert ink_contrast(picture(0x33, 0x12)) < 3
    assert ink_contrast(picture(0x12, 0x12)) == 1


def test_a_page_that_a_check_leaves_is_not_what_the_next_one_sees(visits, visit, first_chapter):
    own = visit(first_chapter, fresh=True)
    own.page.goto("about:blank")
    seen = visit(first_chapter)
    assert seen is visit(first_chapter) is not own
    assert seen.page.url.endswith(first_chapter) and visits.forget_left() == []
    # An anchor on the page is no other page.
    seen.page.evaluate("location.hash = '#here'")
    assert visits.forget_left() == []
    seen.page.goto("about:blank")
    assert visits.forget_left() == [first_chapter]
    assert visit(first_chapter).page.url.endswith(first_chapter)


def test_parts_that_come_later_end_as_on_a_page_that_comes_whole(visit, first_chapter):
    pages = [visit(first_chapter + at, fresh=True).page for at in ("", "#exercises")]
    told = "[document.documentElement.classList.contains('in-parts'), document.body.scrollHeight]"
    (in_parts, height), (jumped, whole) = (page.evaluate(told) for page in pages)
    assert in_parts and not jumped and height == whole


def test_a_jump_to_a_part_that_has_not_come_leads_there(visits, first_chapter):
    page = visits.open(first_chapter + "#exercises", 1280, 900, False).page
    there = page.locator("#exercises").bounding_box()["y"]
    page.goto(page.url.partition("#")[0] + "?again", wait_until="commit")
    page.wait_for_selector("#exercises", state="attached")
    page.evaluate("location.hash = 'exercises'")
    page.wait_for_function(browsing.READY)
    assert page.locator("#exercises").bounding_box()["y"] == pytest.approx(there, abs=2)
    page.close()


def test_search_finds(visit):
    page = visit("search.html?q=jacobian").page
    page.wait_for_selector("#search-results ul.search li a")
    assert page.locator("#search-results ul.search li a").count() >= 1


def test_search_box_leads_to_the_results(visit, first_chapter):
    page = visit(first_chapter, fresh=True).page
    page.locator("button.search-button__button:visible").first.click()
    page.locator("input[type=search]:visible").first.fill("jacobian")
    page.keyboard.press("Enter")
    page.wait_for_url("**/search.html?q=jacobian**")


def test_chapter_has_its_buttons(visit, chapter):
    page = visit(chapter).page
    blocks = page.locator("div.cell_input div.highlight").count()
    assert blocks >= 1
    # The script puts them there in its own time.
    page.wait_for_function(
        "n => document.querySelectorAll('div.cell_input button.copybtn').length === n", arg=blocks
    )
    for name, selector in {
        "This browser": ".dropdown-launch-buttons li:first-child a[href*='lite/notebooks']",
        "download": "a.btn-download-source-button[href$='.ipynb']",
        "Binder": ".dropdown-launch-buttons a[href*='mybinder.org']",
        "Colab": ".dropdown-launch-buttons a[href*='colab.research.google.com']",
        "edit": "a.btn-source-edit-button",
        "previous": ".prev-next-footer a.left-prev",
        "next": ".prev-next-footer a.right-next",
    }.items():
        assert page.locator(selector).count() >= 1, name


def test_copy_button_copies_the_code(visit, first_chapter):
    page = visit(first_chapter, fresh=True).page
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    cell = page.locator("div.cell_input div.highlight:visible").first
    cell.hover()
    cell.locator("button.copybtn").click()
    copied = page.evaluate("navigator.clipboard.readText()")
    assert copied.strip() == cell.locator("pre").inner_text().strip() != ""


def test_a_formula_is_copied_as_latex_and_shown_larger(visit, first_chapter):
    page = visit(first_chapter, fresh=True).page
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    formula = page.locator("article div.math .katex-display").first
    source = formula.locator("annotation").text_content()
    page.evaluate("element => getSelection().selectAllChildren(element)", formula.element_handle())
    page.keyboard.press("Control+C")
    assert page.evaluate("navigator.clipboard.readText()").strip() == f"$${source}$$"
    page.evaluate("getSelection().removeAllRanges()")
    small = formula.locator(".katex").first.bounding_box()["height"]
    formula.focus()
    page.keyboard.press("Enter")
    dialog = page.get_by_role("dialog", name="Formula")
    assert dialog.locator(".katex").first.bounding_box()["height"] > 1.2 * small
    dialog.get_by_role("button", name="Copy LaTeX").click()
    dialog.get_by_role("button", name="Copied").wait_for()
    assert page.evaluate("navigator.clipboard.readText()") == source
    page.keyboard.press("Escape")
    assert dialog.count() == 0


def test_citation_shows_its_reference_on_hover(visit, first_chapter):
    page = visit(first_chapter, fresh=True).page
    link = page.locator("article a.reference.internal[href*='bibliography.html#']:visible").first
    assert link.count() == 1, "a chapter cites its sources"
    year = "".join(c for c in link.inner_text() if c.isdigit())[:4]
    link.scroll_into_view_if_needed()
    link.hover()
    box = page.locator(".tippy-content, [role=tooltip]")
    box.first.wait_for(state="visible")
    text = box.first.inner_text()
    assert year in text and len(text) > 60


def steppers(page):
    found = page.locator(".bp-stepper")
    return [found.nth(k) for k in range(found.count())]


def test_stepper_steps(phone, chapter):
    found = steppers(page := phone(chapter, fresh=True).page)
    if not found:
        pytest.skip("has no step-through figure")
    for stepper in found:
        names = stepper.locator("figure").evaluate_all("all => all.map(f => f.dataset.name + '.')")
        shown = stepper.locator("figure:visible")
        live = stepper.locator("[aria-live=polite]")
        previous = stepper.get_by_role("button", name="Previous")
        following = stepper.get_by_role("button", name="Next")
        slider = stepper.get_by_role("slider")
        start = int(slider.get_attribute("value")) - 1
        assert shown.count() == 1 and live.inner_text().startswith(names[start])
        first = shown.locator("svg").inner_html()
        # A figure may open at its last frame: there only the way back is free.
        last = start + 1 == len(names)
        away, back = (previous, following) if last else (following, previous)
        away.click()
        neighbour = names[start - 1 if last else start + 1]
        assert shown.count() == 1 and live.inner_text().startswith(neighbour)
        assert shown.locator("svg").inner_html() != first
        back.click()
        assert shown.locator("svg").inner_html() == first
        slider.focus()
        page.keyboard.press("Home")
        # at the first frame the button stays focusable and does nothing
        assert previous.get_attribute("aria-disabled") == "true"
        previous.click(force=True)
        assert live.inner_text().startswith(names[0])
        page.keyboard.press("ArrowRight")
        assert slider.input_value() == "2"
        page.keyboard.press("End")
        assert live.inner_text().startswith(names[-1])
        sizes = stepper.evaluate(
            """root => [...root.querySelectorAll('.bp-now text')].map(t =>
              parseFloat(getComputedStyle(t).fontSize) *
              Math.hypot(t.getScreenCTM().a, t.getScreenCTM().b))"""
        )
        assert sizes and min(sizes) >= 11


def test_stepper_without_javascript(browser, base, chapter):
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(base + chapter)
    for stepper in steppers(page):
        frames = stepper.locator("figure")
        assert all(frames.nth(k).is_visible() for k in range(frames.count()))
        assert all(stepper.locator("figcaption").nth(k).is_visible() for k in range(frames.count()))
        assert not stepper.locator("button").first.is_visible()
    context.close()
