"""One server and one browser for all the checks of the built site."""

import functools
import os
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tools"))
import browsing  # noqa: E402

SITE = Path(os.environ.get("BACKPROP_SITE", ROOT / "_build" / "html")).resolve()


def pages():
    """Every page of the built site but the redirect at its root, as paths below it."""
    apart = {"_static", "lite"}
    found = sorted(p for p in SITE.rglob("*.html") if not apart & {*p.relative_to(SITE).parts})
    return [str(p.relative_to(SITE)) for p in found if p != SITE / "index.html"]


def chapters():
    """The chapters' pages: made from notebooks, and in one of the book's parts."""
    made = [p for p in pages() if (SITE / "_sources" / p).with_suffix(".ipynb").exists()]
    return [p for p in made if p.startswith("book/part")]


def fit_a_phone(visit, kind):
    """Look at the first figure of this kind in each chapter that has one, by day and by night."""
    having = [p for p in chapters() if f'id="{kind}-' in (SITE / p).read_text("utf-8")]
    if not having:
        pytest.skip("no chapter of the built site has this figure")
    for name in having:
        for dark in (False, True):
            seen = visit(name, width=390, height=844, dark=dark)
            figure = seen.page.locator(f".bp-{kind}").first
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


def lacking(what):
    """Skip on a reader's machine; fail where everything is said to be there."""
    if os.environ.get("CI") or os.environ.get("BACKPROP_REQUIRE_SITE"):
        pytest.fail(what)
    pytest.skip(what)


def pytest_generate_tests(metafunc):
    # What the theme does alike everywhere is tried on the first chapter.
    lists = {"any_page": pages, "chapter": chapters, "first_chapter": lambda: chapters()[:1]}
    for name, list_of in lists.items():
        if name in metafunc.fixturenames:
            # An absent site shows as one test that says so, not as none at all.
            marked = [pytest.param(p, marks=pytest.mark.xdist_group(p)) for p in list_of()]
            metafunc.parametrize(name, marked or ["absent"])


@pytest.fixture(scope="session")
def site():
    if not pages():
        lacking(f"no site in {SITE}: run make book")
    return SITE


@pytest.fixture(scope="session")
def base(site):
    with browsing.served(site) as address:
        yield address


@pytest.fixture(scope="session")
def browser(site):
    sync_api = pytest.importorskip("playwright.sync_api")
    path = browsing.chromium()
    if not path:
        lacking(browsing.MISSING)
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=path, args=[*browsing.ARGUMENTS, ASKS_NOBODY]
        )
        yield browser
        browser.close()


# A foreign address is noted, and not found. To intercept each request would turn the cache off.
ASKS_NOBODY = "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"


class Visit:
    """An open page, and what it asked for and complained of."""

    def __init__(self, context, url, base):
        self.foreign, self.complaints = [], []
        self.page = context.new_page()
        self.page.on("request", self.note_request)
        self.page.on("console", self.note_console)
        self.page.on("pageerror", lambda error: self.complaints.append(f"page error: {error}"))
        self.page.on(
            "response",
            lambda r: r.status >= 400 and self.complaints.append(f"{r.status} for {r.url}"),
        )
        self.base = base
        self.page.goto(url, wait_until="load")
        self.page.wait_for_function(browsing.READY)
        assert self.page.url.startswith(url), f"{url} led to {self.page.url}"
        self.url = self.page.url.partition("#")[0]

    def left(self):
        """Whether the page is another one by now, or gone."""
        return self.page.is_closed() or self.page.url.partition("#")[0] != self.url

    def note_request(self, request):
        if not request.url.startswith((self.base, "data:", "blob:", "about:")):
            self.foreign.append(request.url)

    def note_console(self, message):
        if message.type in ("error", "warning"):
            self.complaints.append(f"console {message.type}: {message.text}")


class Visits:
    """The open pages.

    The visits to the newest page stay open for the checks that only look; xdist keeps a page's
    checks together (``--dist loadgroup``). A screen's pages share a profile: each new one costs
    Chromium a window of its own.
    """

    def __init__(self, browser, base):
        self.browser, self.base = browser, base
        self.screens, self.shared = {}, {}

    def look(self, path, *screen, unfolding):
        """Return a visit that others have seen and will see."""
        for key in [k for k in self.shared if k[0] != path]:
            self.shared.pop(key).page.close()
        key = path, screen, unfolding
        if key not in self.shared:
            self.shared[key] = self.open(path, *screen)
        return self.shared[key]

    def open(self, path, *screen):
        """Return a visit of the caller's own, who closes it."""
        if screen not in self.screens:
            self.screens[screen] = self.new_screen(*screen)
        return Visit(self.screens[screen], self.base + path, self.base)

    def forget_left(self):
        """Close the shared visits whose page is another one by now, and return what they were."""
        left = [key for key, visit in self.shared.items() if visit.left()]
        for key in left:
            self.shared.pop(key).page.close()
        return [path for path, *_ in left]

    def new_screen(self, width, height, dark):
        context = self.browser.new_context(
            viewport={"width": width, "height": height},
            color_scheme="dark" if dark else "light",
            device_scale_factor=2 if width < 500 else 1,
        )
        context.set_default_timeout(15000)
        return context

    def close(self):
        for context in self.screens.values():
            context.close()


@pytest.fixture(scope="session")
def visits(browser, base):
    visits = Visits(browser, base)
    yield visits
    visits.close()


@pytest.fixture
def visit(visits):
    """A function that opens a page, on a desk in the light where nothing else is said.

    ``fresh=True`` is for a check that leaves the page or changes it: nobody else sees that visit.
    ``unfolding=True`` is for checks that open folds: they see what they opened, others do not.
    """
    own = []

    def open_page(path, *, width=1280, height=900, dark=False, fresh=False, unfolding=False):
        if not fresh:
            return visits.look(path, width, height, dark, unfolding=unfolding)
        own.append(visits.open(path, width, height, dark))
        return own[-1]

    yield open_page
    for one in own:
        # The pages of a screen share a store: what this check typed is not the next one's start.
        if not one.left():
            one.page.evaluate("() => localStorage.clear()")
        one.page.close()
    left = visits.forget_left()
    assert not left, f"this check leaves a page that others look at, and wants fresh=True: {left}"


@pytest.fixture
def phone(visit):
    """Open a page on a phone, in the dark."""
    return functools.partial(visit, width=390, height=844, dark=True)


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
