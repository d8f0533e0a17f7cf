"""Pages keep of the theme what they show."""

import sys

import pytest
from fontTools.ttLib import TTFont
from sphinx_project import EXTENSIONS, build, html, write

sys.path.insert(0, str(EXTENSIONS))
import light_pages

RULES = (
    '.fa-play:before{content:"\\f04b"}.fa-bell:before{content:"\\f0f3"}'
    '.fa-bars:before,.fa-navicon:before{content:"\\f0c9"}'
)


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    root = tmp_path_factory.mktemp("light")
    pages = {
        "index": "# Book\n\n```{toctree}\nother\n```\n\nMore.\n",
        "other": "# Other\n\nText.\n",
    }
    write(root, pages, "light_pages", html_theme="sphinx_book_theme")
    build(root)
    return root


def test_icons_are_a_font_of_those_that_are_named(site):
    page, static = html(site, "index"), site / "_build/html/_static"
    assert "fontawesome.js" not in page and not list(static.rglob("fontawesome.js*"))
    assert 'class="fa-solid fa-bars"' in page
    fonts = list((static / "vendor/fontawesome/webfonts").iterdir())
    assert fonts and all(font.suffix == ".ttf" and font.stat().st_size < 20_000 for font in fonts)
    assert 0xF0C9 in TTFont(static / "vendor/fontawesome/webfonts/fa-solid-900.ttf").getBestCmap()
    style = (static / "styles/pydata-sphinx-theme.css").read_text(encoding="utf-8")
    assert "fa-bars:before" in style and "fa-zhihu:before" not in style
    assert ".woff2" not in style and style.count("@font-face") == 3


def test_the_search_alone_loads_its_index(site):
    assert "searchindex.js" not in html(site, "index")
    assert "searchindex.js" in html(site, "search")


def test_a_second_build_changes_nothing(site):
    before = html(site, "index")
    site.joinpath("other.md").write_text("# Other\n\nAnother text.\n")
    build(site)
    assert html(site, "index") == before and "fontawesome.js" not in html(site, "other")


def test_rules_of_unnamed_icons_go():
    kept = light_pages.fewer_icons(RULES, {"play", "navicon"})
    assert kept == '.fa-play:before{content:"\\f04b"}.fa-navicon:before{content:"\\f0c9"}'


def test_tips_and_logos_wait():
    page = (
        '<head>\n<script defer="defer" src="../_static/vendor/popper.min.js?v=1"></script>\n'
        '<script defer="defer" src="../_static/tippy/a.1.js"></script>\n</head>'
        '<img alt="" src="../_static/images/logo_colab.png">'
    )
    light = light_pages.lighter(page, search=False)
    assert 'data-tips="../_static/vendor/popper.min.js?v=1 ../_static/tippy/a.1.js"' in light
    assert light.count("<script") == 1 and 'src="../_static/tips.js"' in light
    assert '<img loading="lazy" alt=""' in light
    assert light_pages.lighter(light, search=False) == light


def test_theme_and_place_in_the_sidebar_are_chosen_before_the_page_is_shown(site):
    page = html(site, "index")
    assert page.count(light_pages.SCROLL) == 1
    assert (
        page.index("bd-sidebar-primary") < page.index(light_pages.SCROLL) < page.index("<main id")
    )


def test_what_is_not_in_sight_is_laid_out_later(site):
    page = html(site, "index")
    assert page.index("arriving.js") < page.index("<main id")
    theme = (site / "_build/html/_static/scripts/pydata-sphinx-theme.js").read_text("utf-8")
    assert theme.count(light_pages.LATER) == 1 and light_pages.MEASURED not in theme


def test_the_smallest_fonts_lie_in_the_style(tmp_path):
    (tmp_path / "fonts").mkdir()
    (tmp_path / "fonts/KaTeX_Size1-Regular.woff2").write_bytes(b"abc")
    style = "src:url(fonts/KaTeX_Size1-Regular.woff2) url(fonts/KaTeX_Main-Regular.woff2)"
    found = light_pages.within(style, tmp_path)
    assert found == ("src:url(data:font/woff2;base64,YWJj) url(fonts/KaTeX_Main-Regular.woff2)")
    assert light_pages.within(found, tmp_path) == found


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("M 0 9 L 0.5 8.7 L -10.5 8.7 z ", "M0 9l.5-.3l-11 0z"),
        ("M 1 2 L 1 3 z L 2 2 M 5 5 ", "M1 2l0 1zl1 0M5 5"),
        ("M 0 0 C 1 1 2 2 3 3", "M 0 0 C 1 1 2 2 3 3"),
        ("M 0 0 L 1.25 3", "M 0 0 L 1.25 3"),
        ("M 0 9l.5-.3", "M 0 9l.5-.3"),
        ("M z", "M z"),
    ],
)
def test_lines_go_by_differences(line, expected):
    page = f'<svg><path d="{line}" style="fill: none"/></svg>'
    assert light_pages.lighter(page, False) == page.replace(line, expected)


def test_the_first_module_of_a_page_of_the_reference_is_unfolded_at_once():
    entry = (
        '<li class="toc-h2 nav-item toc-entry"><a class="reference internal nav-link" href="#{}"'
    )
    contents = '<ul class="nav section-nav flex-column">\n{}{}</ul>'
    first, second = entry.format("module-a"), entry.format("module-b")
    page = contents.format(first, second)
    unfolded = first.replace("toc-entry", "toc-entry active")
    for _ in range(2):
        page = light_pages.lighter(page, False)
        assert page == contents.format(unfolded, second)
    chapter = contents.format(entry.format("a-section"), "")
    assert light_pages.lighter(chapter, False) == chapter
