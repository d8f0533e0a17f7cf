"""Formulas are set in the build: nothing is left for a script of the page to do."""

import re
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest
from bs4 import BeautifulSoup
from sphinx_project import EXTENSIONS, build, html, write

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(EXTENSIONS), str(ROOT / "tools")]
import live  # noqa: E402
import set_math  # noqa: E402

VENDORED = ROOT / "book/_static/vendor/katex"
PAGE = r"""# Slopes of $x^2$

The slope is $2x$, and ε < 1.

$$
\frac{dy}{dx} = 2x
$$ (slope)

$$
y &= x^2 \\
  &= x \cdot x
$$
"""


def made(root, page):
    options = {"html_math_renderer": "katex", "html_static_path": [str(ROOT / "book/_static")]}
    write(root, {"index": page}, "set_math", **options)
    return build(root)


def test_inline_displayed_and_numbered_formulas(tmp_path):
    made(tmp_path, PAGE)
    page = BeautifulSoup(html(tmp_path, "index"), "html.parser")
    sources = [found.get_text() for found in page.select(".math annotation")]
    assert sources[:3] == ["x^2", "2x", r"\frac{dy}{dx} = 2x"]
    assert sources[3].startswith(r"\begin{split}y &= x^2")
    assert len(page.select("span.math .katex math")) == 2
    assert len(page.select("div.math .katex-display math[display=block]")) == 2
    assert page.select_one("div.math .eqno").get_text().startswith("(1)")
    assert all(half["aria-hidden"] == "true" for half in page.select(".katex-html"))
    assert page.select("link[href*='katex.min.css']") and page.select("script[src*='formulas.js']")


def test_punctuation_stays_with_its_formula(tmp_path):
    text = "It is ($x$), $y$; see $z$ and $a$’s\n$b$.\n\nAlone:\n\n- $c$\n- **$d$.** Then ($e$\n"
    made(tmp_path, "# Words\n\n" + text)
    page = BeautifulSoup(html(tmp_path, "index"), "html.parser")
    for half in page.select(".katex-html"):
        half.decompose()
    for sheet in page.select("annotation"):
        sheet.decompose()
    held = [found.get_text() for found in page.select("span.held")]
    assert held == ["(x),", "y;", "a’", "b.", "d.", "(e"]
    said = page.select_one("section").get_text(" ", strip=True)
    assert "It is (x), y ; see".replace(" ", "") in said.replace(" ", "")
    assert said.replace(" ", "").endswith("Then(e")


def test_a_comma_is_taken_from_its_own_place(tmp_path):
    made(tmp_path, "# Words\n\nTake `a`, $x$, $y$, *b*, $z$, and (*c*) ($w$) (*d*).\n")
    page = BeautifulSoup(html(tmp_path, "index"), "html.parser")
    for half in page.select(".katex-html, annotation"):
        half.decompose()
    assert "Take a, x, y, b, z, and (c) (w) (d)." in page.get_text()


def test_a_page_without_formulas_loads_nothing_for_them(tmp_path):
    made(tmp_path, "# Words\n\nNothing else.\n")
    assert "katex" not in html(tmp_path, "index") and "formulas.js" not in html(tmp_path, "index")


def test_what_cannot_be_set_fails_the_build_and_says_where(tmp_path):
    with pytest.raises(AssertionError, match=r"index\.md:3: WARNING: .*Expected '}'|end of input"):
        made(tmp_path, "# Wrong\n\nLook: $\\frac{1$ here.\n")


@pytest.mark.parametrize(
    "latex, expected",
    [
        ("x", "x"),
        (r"a \\ b", r"\begin{split}a \\ b\end{split}"),
        ("a\n\nb", r"\begin{aligned}a\\b\end{aligned}"),
    ],
)
def test_lines_break_as_sphinx_has_it(latex, expected):
    assert set_math.lines(latex) == expected


def test_katex_is_the_one_of_the_lock():
    try:
        package = live.npm("katex")
    except live.Unreachable as error:
        pytest.skip(str(error))
    assert (VENDORED / "katex.min.js").read_bytes() == package["dist/katex.min.js"]
    style = package["dist/katex.min.css"].decode()
    # The fonts' older forms are left out.
    style = re.sub(r",url\([^)]*\.(?:woff|ttf)\) format\(\"\w+\"\)", "", style)
    assert (VENDORED / "katex.min.css").read_text() == style
    for font in (VENDORED / "fonts").iterdir():
        assert font.read_bytes() == package[f"dist/fonts/{font.name}"], font.name
    assert (VENDORED.parent / "LICENSE.katex").read_bytes() == package["LICENSE"]


@pytest.mark.parametrize("latex", [r"\lambda_{\max}", r"\lambda_{\max}^2", r"2^{\min}", r"\max x"])
def test_a_function_as_an_index_is_one_child(latex):
    found = re.search("<math.*</math>", set_math.html(latex, False))[0]
    for element in ElementTree.fromstring(found).iter():
        kind = element.tag.rpartition("}")[2]
        assert len(element) == {"msub": 2, "msup": 2, "msubsup": 3}.get(kind, len(element))
    assert ("\u2061" in found) == (latex == r"\max x")


def test_no_attribute_is_empty():
    # Firefox reports columnspacing="", which KaTeX writes where there is nothing to space.
    assert '=""' not in set_math.html(r"\begin{split}a\\b\end{split}", True)
