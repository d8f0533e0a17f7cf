"""Take from the built pages what a reader does not need, and make the rest small.

The theme brings every icon of Font Awesome twice, as a script of 1.5 MB that draws them and as
fonts with a style; the pages use two dozen. The script goes, and font and style keep what the pages
name. The search's index, which the theme loads on every page, is loaded by the search's own alone.
The tips beside links wait for a reader who points at one (``tips.js``). KaTeX's fonts keep the
characters that some page has, and its four smallest come within the style: none of them arrives
late and moves a formula. The sidebar stands at the open chapter before it is first seen.
The lines of drawings go by differences: half of the bytes of a page with many frames. What is not
in sight is laid out after the rest (``arriving.js``), and the theme's script, which would measure
it at once, waits for that.
"""

from __future__ import annotations

import base64
import re
from pathlib import Path

from fontTools import subset
from fontTools.ttLib import TTFont
from sphinx.application import Sphinx

ICON_RULE = re.compile(r'((?:\.fa-[\w-]+:before,?)+)\{content:"\\([0-9a-f]{2,6}|[^"\\]+)"\}')
NAMED = re.compile(r"\bfa-([a-z0-9-]+)")
CHARACTER = re.compile(r"[\ue000-\uf8ff]")
FACE = re.compile(r'url\(([^()]*/webfonts/[^()]*)\.woff2\) format\("woff2"\),url\(\1\.ttf\)')
SCRIPTS = re.compile(r'\s*<script\b[^>]*\bsrc="[^"]*/scripts/fontawesome\.js[^"]*"></script>')
SEARCH = re.compile(
    r'\s*<script src="[^"]*(?:_static/searchtools|_static/language_data|searchindex)\.js[^"]*">'
    "</script>"
)


TIPS = re.compile(
    r'\s*<script defer="defer" src="([^"]*_static/(?:vendor/(?:popper|tippy)|tippy/)[^"]*)">'
    "</script>"
)
KATEX = re.compile(r'<link rel="stylesheet" type="text/css" href="([^"]*)katex\.min\.css[^"]*" />')
FONT = '<link rel="preload" as="font" type="font/woff2" crossorigin href="{}fonts/KaTeX_{}.woff2">'
SIZES = re.compile(r"url\((fonts/KaTeX_Size\d-Regular\.woff2)\)")
THEME = 'dataset.theme = localStorage.getItem("theme") || "auto";'
# Until the theme's script has run, "auto" is neither light nor dark: a white page with two logos.
CHOSEN = (
    'dataset.theme = [localStorage.getItem("mode"), matchMedia("(prefers-color-scheme: dark)")'
    '.matches ? "dark" : "light"].find(one => one === "light" || one === "dark");'
)
MAIN = '<main id="main-content"'
# The theme's script does it when all is loaded, and on a slow computer the reader sees it move. It
# goes where the storage says, which is here where the reader left it, if the chapter is in sight.
SCROLL = """<script>{
  const sidebar = document.querySelector("div.bd-sidebar");
  const active = [...(sidebar?.querySelectorAll(".bd-docs-nav .active") ?? [])].pop();
  if (active) {
    const y = () => active.getBoundingClientRect().y - sidebar.getBoundingClientRect().y;
    sidebar.scrollTop = parseInt(sessionStorage.getItem("sidebar-scroll-top"), 10) || 0;
    if (y() < 0 || y() > sidebar.clientHeight * 0.9)
      sidebar.scrollTop += y() - sidebar.clientHeight / 4;
    sessionStorage.setItem("sidebar-scroll-top", sidebar.scrollTop);
  }
}</script>
"""
# A page of the reference begins with its first module, whose list the theme's script unfolds.
FIRST = re.compile(r'(<ul class="[^"]*section-nav[^"]*">\s*<li class="toc-h2 nav-item toc-entry)'
                   r'(?="><a class="reference internal nav-link" href="#module-)')  # fmt: skip
LINE = re.compile(r'(?<= d=")M [^"]*(?=")')
STEP = re.compile(r"([MLz])(?: (-?\d+(?:\.\d)?) (-?\d+(?:\.\d)?))? ?")
# The theme asks each block of code whether it can be scrolled, now and whenever the window changes.
MEASURED = "{subtree:!0,childList:!0}),e()}"
LATER = '{subtree:!0,childList:!0}),"arriving"in document.documentElement.dataset||e()}'
LOGO = re.compile(r'(<img\b)(?! loading)([^>]*\bsrc="[^"]*_static/images/logo_)')


def by_differences(line: re.Match[str]) -> str:
    """Return a line of straight steps, in tenths, with each step relative to the one before.

    A line with anything else in it stays as it is.
    """
    if "".join(step[0] for step in STEP.finditer(line[0])) != line[0]:
        return line[0]
    out = []
    x = y = start_x = start_y = 0  # in tenths, in which the differences are exact
    for kind, across, down in STEP.findall(line[0]):
        if kind == "z":
            out.append("z")
            x, y = start_x, start_y
            continue
        if not across:
            return line[0]
        new_x, new_y = round(10 * float(across)), round(10 * float(down))
        if kind == "M":
            out.append(f"M{pair(new_x, new_y)}")
            start_x, start_y = new_x, new_y
        else:
            out.append(f"l{pair(new_x - x, new_y - y)}")
        x, y = new_x, new_y
    return "".join(out)


def pair(x: int, y: int) -> str:
    """Write two numbers of tenths as short as SVG allows."""
    words = [f"{value / 10:g}".replace("0.", ".") if abs(value) < 10 else f"{value / 10:g}"
             for value in (x, y)]  # fmt: skip
    return words[0] + ("" if words[1].startswith("-") else " ") + words[1]


def lighter(page: str, search: bool) -> str:
    """Return a page without what waits, and unless it searches without the search's index."""
    if (style := KATEX.search(page)) and 'as="font"' not in page:
        # Or the text would move when they come.
        fonts = (FONT.format(style[1], name) for name in ("Main-Regular", "Math-Italic"))
        page = page.replace(style[0], "".join(fonts) + style[0], 1)
    page = LINE.sub(by_differences, page.replace(THEME, CHOSEN))
    page = FIRST.sub(r"\1 active", page)
    if SCROLL not in page:
        page = page.replace(MAIN, SCROLL + MAIN, 1)
    page = LOGO.sub(r'\1 loading="lazy"\2', SCRIPTS.sub("", page))
    if tips := TIPS.findall(page):
        static = tips[0].partition("_static/")[0] + "_static/"
        script = (
            f'<script defer="defer" src="{static}tips.js" data-tips="{" ".join(tips)}"></script>'
        )
        page = TIPS.sub("", page).replace("</head>", script + "\n  </head>", 1)
    return page if search else SEARCH.sub("", page)


def fewer_icons(style: str, names: set[str]) -> str:
    """Return the theme's style without the rules of icons that nothing names."""

    def kept(rule: re.Match[str]) -> str:
        wanted = names & set(NAMED.findall(rule[1]))
        selectors = [s for s in rule[1].split(",") if NAMED.findall(s)[0] in wanted]
        return rule[0].replace(rule[1], ",".join(selectors)) if selectors else ""

    return FACE.sub(r"url(\1.ttf)", ICON_RULE.sub(kept, style))


def within(style: str, folder: Path) -> str:
    """Return KaTeX's style with its smallest fonts in it, which lie in the folder."""

    def data(address: re.Match[str]) -> str:
        encoded = base64.b64encode((folder / address[1]).read_bytes()).decode()
        return f"url(data:font/woff2;base64,{encoded})"

    return SIZES.sub(data, style)


def smaller_font(path: Path, characters: set[int]) -> None:
    """Keep of a font what has one of these code points."""
    options = subset.Options(layout_features=[], hinting=False, notdef_outline=True, name_IDs=[])
    font = TTFont(path)
    subsetter = subset.Subsetter(options)
    subsetter.populate(unicodes=characters)
    subsetter.subset(font)
    font.flavor = "woff2" if path.suffix == ".woff2" else None
    font.save(path)


def lighten(app: Sphinx, exception: Exception | None) -> None:
    """Rewrite the built pages, and the theme's style and fonts beside them."""
    if exception or app.builder.format != "html":
        return
    out = Path(app.outdir)
    names: set[str] = set()
    written: set[str] = set()
    for path in app.env.found_docs | {"search", "genindex", "py-modindex"}:
        page = out / f"{path}.html"
        if not page.exists():
            continue
        before = page.read_text(encoding="utf-8")
        names |= set(NAMED.findall(before))
        written |= set(before)
        after = lighter(before, search=page.name == "search.html")
        if after != before:
            page.write_text(after, encoding="utf-8")
    static = out / "_static"
    for script in [*static.glob("*.js"), *static.glob("scripts/*.js"), *static.glob("live/*.js")]:
        if script.name != "fontawesome.js":
            names |= set(NAMED.findall(script.read_text(encoding="utf-8")))
    for path in (static / "scripts").glob("fontawesome.js*"):
        path.unlink()
    for path in (static / "scripts").glob("pydata-sphinx-theme.js"):
        script = path.read_text(encoding="utf-8")
        path.write_text(script.replace(MEASURED, LATER), encoding="utf-8")
    characters: set[int] = set()
    for path in static.rglob("*.css"):
        style = path.read_text(encoding="utf-8")
        if path.name == "pydata-sphinx-theme.css":
            style = fewer_icons(style, names)
            path.write_text(style, encoding="utf-8")
        characters |= {ord(character) for character in CHARACTER.findall(style)}
        characters |= {int(code, 16) for code in re.findall(r'"\\([ef][0-9a-f]{3})"', style)}
    for path in (static / "vendor" / "fontawesome" / "webfonts").iterdir():
        if path.suffix == ".ttf":
            smaller_font(path, characters)
        else:
            path.unlink()
    for path in static.glob("vendor/katex/fonts/*"):
        smaller_font(path, {*map(ord, written)})
    for path in static.glob("vendor/katex/katex.min.css"):
        path.write_text(within(path.read_text(encoding="utf-8"), path.parent), encoding="utf-8")


def setup(app: Sphinx) -> dict[str, bool]:
    app.add_js_file("arriving.js")
    app.connect("build-finished", lighten)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
