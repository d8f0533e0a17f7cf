"""What a page asks for before its reader does anything, and whether it then stands still."""

import browsing
import pytest

BYTES = 300_000
"""Compressed, as a server sends it."""
SHIFT = 0.01
"""Cumulative layout shift; up to 0.1 is called good."""
SCRIPTS = ("mathjax", "fontawesome.js", "searchindex", "tippy", "codemirror", "pyodide")


@pytest.fixture(scope="session")
def context(browser):
    """One for all pages, since each costs Chromium a window; their caches are off."""
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    context.add_init_script(browsing.OBSERVE)
    yield context
    context.close()


def test_a_page_weighs_little_and_stands_still(context, base, any_page):
    page = context.new_page()
    context.new_cdp_session(page).send("Network.setCacheDisabled", {"cacheDisabled": True})
    answers = []
    page.on("response", lambda answer: answers.append(answer))
    page.goto(base + any_page)
    page.wait_for_load_state("networkidle")
    page.wait_for_function(browsing.READY)
    weights = {url.removeprefix(base): n for url, n in browsing.weights(answers).items()}
    shift = page.evaluate("window.seen.shift")
    page.close()
    assert sum(weights.values()) <= BYTES, sorted(weights.items(), key=lambda pair: -pair[1])[:8]
    searching = any_page == "search.html"
    asked = [url for url in weights for name in SCRIPTS if name in url.lower() and not searching]
    assert not asked
    assert shift <= SHIFT
