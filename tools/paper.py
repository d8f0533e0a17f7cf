"""Make a PDF and an EPUB of the built site, in ``_build/paper``.

Chromium opens each page, and ``paper/extract.js`` takes its text out: nothing to press, nothing
folded, a figure that moves as its first and its last frame. The EPUB has the formulas as MathML.
The PDF is printed from one page of all: twice, since the page numbers of contents and index are
known only when the first has been printed.
"""

from __future__ import annotations

import argparse
import io
import re
import shutil
import uuid
import zipfile
from html import escape
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import pikepdf
import yaml
from browsing import ARGUMENTS, MISSING, READY, chromium, served
from playwright.sync_api import Browser, sync_playwright
from pypdf import PdfReader

ROOT = Path(__file__).resolve().parent.parent
SITE = ROOT / "_build" / "html"
OUT = ROOT / "_build" / "paper"
PARTS = Path(__file__).with_name("paper")
NAME = "backprop-book"
MARK = "<!-- downloads -->"
"""Where the first page of the site has its links to the two, between two of these."""
APART = {"book/appendices/solutions", "book/appendices/licences"}
"""Pages that make sense on the site alone."""
XHTML = "application/xhtml+xml"
TYPES = {".png": "image/png", ".svg": "image/svg+xml", ".jpg": "image/jpeg", ".webp": "image/webp"}


def slug(page: str) -> str:
    """Return what stands for a page in addresses within the book."""
    return "home" if page == "book/index" else page.removeprefix("book/").replace("/", "-")


def listed() -> list[tuple[str, list[str]]]:
    """Return the parts of the book, each with its pages, in order and without the index."""
    toc = yaml.safe_load((ROOT / "_toc.yml").read_text(encoding="utf-8"))
    out = [("", [toc["root"]])]
    for part in toc["parts"]:
        pages = [entry["file"] for entry in part["chapters"]]
        wanted = [p for p in pages if p not in APART | {"genindex"} and "/reference/" not in p]
        if wanted:
            out.append((part["caption"], wanted))
    return out


def part(name: str) -> str:
    """Return a file that the two are made with."""
    return (PARTS / name).read_text(encoding="utf-8")


def texts(browser: Browser, site: str, pages: dict[str, str], *, epub: bool) -> dict[str, Any]:
    """Return what the script takes out of each page."""
    out = {}
    functions = part("extract.js").replace("export ", "")
    script = f"options => {{\n{functions}\nreturn extract(options);\n}}"
    tab = browser.new_page(viewport={"width": 900, "height": 900}, color_scheme="light")
    for path in pages:
        tab.goto(f"{site}{path}", wait_until="load")
        tab.wait_for_function(READY)
        options = {"page": path, "pages": pages, "epub": epub, "site": site}
        out[path] = tab.evaluate(script, options)
    tab.close()
    return out


def image_name(source: str, site: str) -> str:
    """Return the name of a picture within the EPUB."""
    path = Path(unquote(urlsplit(source.removeprefix(site)).path))
    return "images/" + "-".join(path.parts)


def write_epub(target: Path, texts: dict[str, Any], pages: dict[str, str], site: str) -> None:
    """Write the EPUB 3."""
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    items, spine, entries = [], [], []
    files: dict[str, bytes] = {"book.css": (PARTS / "epub.css").read_bytes()}
    for _, group in listed():
        for page in group:
            path = f"{page}.html"
            name, found = pages[path], texts[path]
            body = found["html"]
            for source in found["images"]:
                inner = image_name(source, site)
                files[inner] = (SITE / unquote(urlsplit(source).path).lstrip("/")).read_bytes()
                body = body.replace(escape(source), inner)
            files[f"{name}.xhtml"] = (
                part("page.xhtml")
                .format(title=escape(found["title"]), slug=name, body=body)
                .encode()
            )
            kinds = " ".join(kind for kind in ("mathml", "svg") if found[kind])
            properties = f' properties="{kinds}"' if kinds else ""
            items.append(
                f'<item id="{name}" href="{name}.xhtml" media-type="{XHTML}"{properties}/>'
            )
            spine.append(f'<itemref idref="{name}"/>')
    for number, name in enumerate(sorted(n for n in files if n.startswith("images/"))):
        kind = TYPES[Path(name).suffix]
        items.append(f'<item id="image-{number}" href="{escape(name)}" media-type="{kind}"/>')
    for caption, group in listed():
        inner = "".join(
            f'<li><a href="{pages[path]}.xhtml">{escape(texts[path]["title"])}</a></li>'
            for path in (f"{page}.html" for page in group)
        )
        entries.append(
            f"<li><span>{escape(caption)}</span><ol>{inner}</ol></li>" if caption else inner
        )
    nav = f'<nav epub:type="toc" id="toc"><h1>Contents</h1><ol>{"".join(entries)}</ol></nav>'
    files["nav.xhtml"] = (
        part("page.xhtml").format(title="Contents", slug="contents", body=nav).encode()
    )
    identifier = uuid.uuid5(
        uuid.NAMESPACE_URL, f"{citation['repository-code']}/{citation['version']}"
    )
    files["content.opf"] = part("content.opf").format(
        identifier=identifier, title=escape(citation["title"]), date=citation["date-released"],
        items="\n".join(items), spine="\n".join(spine),
    ).encode()  # fmt: skip
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("mimetype", "application/epub+zip", zipfile.ZIP_STORED)
        archive.writestr("META-INF/container.xml", part("container.xml"))
        for name, content in files.items():
            archive.writestr(f"book/{name}", content)


def contents(texts: dict[str, Any], pages: dict[str, str], numbers: dict[str, int]) -> str:
    """Return the table of contents with the page numbers that are known."""
    out = ['<nav class="contents"><h1 id="contents">Contents</h1>']
    for caption, group in listed()[1:]:
        out.append(f"<p class='part'>{escape(caption)}</p>")
        for page in group:
            name, found = pages[f"{page}.html"], texts[f"{page}.html"]
            number = numbers.get(name, "")
            out.append(
                f'<p class="entry"><a href="#{name}">{escape(found["title"])}</a>'
                f"<span>{number}</span></p>"
            )
    return "".join([*out, '<p class="entry"><a href="#index">Index</a>'
                    f'<span>{numbers.get("index", "")}</span></p></nav>'])  # fmt: skip


def index(pages: dict[str, str], numbers: dict[str, int]) -> str:
    """Return the index: each term with the pages of the book on which it is marked."""
    text = (SITE / "genindex.html").read_text(encoding="utf-8")
    found: dict[str, list[str]] = {}
    for href, term in re.findall(r'<li><a href="([^"]+)">(.*?)</a>', text, re.DOTALL):
        path, _, anchor = href.partition("#")
        if path in pages:
            found.setdefault(re.sub(r"<[^>]+>", "", term).strip(), []).append(
                f"{pages[path]}--{anchor}"
            )
    lines = []
    for term in sorted(found, key=str.casefold):
        links = ", ".join(
            f'<a href="#{anchor}">{numbers.get(anchor, "·")}</a>' for anchor in found[term]
        )
        lines.append(f"<p>{term} {links}</p>")
    return f'<section class="index"><h1 id="index">Index</h1><div>{"".join(lines)}</div></section>'


def whole(texts: dict[str, Any], pages: dict[str, str], numbers: dict[str, int]) -> str:
    """Return the page that is printed."""
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    style = part("print.css")
    body = [
        f'<section class="cover"><h1>{escape(citation["title"])}</h1>'
        f"<p>Version {citation['version']}, {citation['date-released']}</p>"
        "<p>Text and figures CC BY 4.0, code BSD-3-Clause</p></section>",
        contents(texts, pages, numbers),
    ]
    for caption, group in listed():
        for place, page in enumerate(group):
            found = texts[f"{page}.html"]
            above = f'<p class="part-title">{escape(caption)}</p>' if caption and not place else ""
            name = pages[f"{page}.html"]
            body.append(f'<article class="chapter" id="{name}">{above}{found["html"]}</article>')
    body.append(index(pages, numbers))
    sheets = "".join(
        f'<link rel="stylesheet" href="_static/{name}">'
        for name in ("pygments.css", "vendor/katex/katex.min.css")
    )
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8">'
        f"<title>{escape(citation['title'])}</title>{sheets}<style>{style}</style></head>"
        f"<body>{''.join(body)}</body></html>"
    )


def printed(browser: Browser, site: str, text: str) -> bytes:
    """Print a page of the site's folder and return the PDF."""
    page = SITE / "_paper.html"
    page.write_text(text, encoding="utf-8")
    tab = browser.new_page(color_scheme="light")
    try:
        tab.set_default_timeout(600_000)
        tab.goto(f"{site}{page.name}", wait_until="load")
        tab.evaluate("() => document.fonts.ready.then(() => null)")
        return tab.pdf(
            format="A4", outline=True, tagged=True, print_background=True,
            margin={"top": "20mm", "bottom": "20mm", "left": "22mm", "right": "22mm"},
            display_header_footer=True, header_template="<span></span>",
            footer_template='<div style="font-size:8px;width:100%;text-align:center">'
            '<span class="pageNumber"></span></div>',
        )  # fmt: skip
    finally:
        tab.close()
        page.unlink()


def page_numbers(pdf: bytes) -> dict[str, int]:
    """Return the page, from 1, of each place that a link in the PDF leads to."""
    reader = PdfReader(io.BytesIO(pdf))
    return {
        name.removeprefix("/"): (reader.get_destination_page_number(place) or 0) + 1
        for name, place in reader.named_destinations.items()
    }


def write_pdf(target: Path, pdf: bytes) -> None:
    """Write the PDF, its hundred thousand small objects packed: Chromium leaves them as text."""
    with pikepdf.open(io.BytesIO(pdf)) as book:
        book.save(
            target, object_stream_mode=pikepdf.ObjectStreamMode.generate, recompress_flate=True
        )


def offer(names: list[str]) -> None:
    """Put the files on the site, and name them on its first page."""
    folder = SITE / "downloads"
    folder.mkdir(exist_ok=True)
    links = []
    for name in names:
        shutil.copyfile(OUT / name, folder / name)
        kind = Path(name).suffix[1:].upper()
        megabytes = (OUT / name).stat().st_size / 1e6
        links.append(f'<a href="../downloads/{name}">{kind}</a> ({megabytes:.1f} MB)')
    page = SITE / "book" / "index.html"
    text = page.read_text(encoding="utf-8")
    told = f"{MARK}<p>To read on paper or on an e-reader: {' or '.join(links)}.</p>{MARK}"
    text = re.sub(f"{MARK}.*{MARK}|{MARK}", lambda _: told, text, count=1, flags=re.DOTALL)
    page.write_text(text, encoding="utf-8")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", choices=("pdf", "epub"), help="make one of the two")
    only = parser.parse_args().only
    if not (SITE / "index.html").exists():
        raise SystemExit(f"there is no site in {SITE}: run `make book` first")
    path = chromium()
    if not path:
        raise SystemExit(MISSING)
    OUT.mkdir(parents=True, exist_ok=True)
    pages = {f"{page}.html": slug(page) for _, group in listed() for page in group}
    with served(SITE) as site, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=ARGUMENTS)
        if only != "pdf":
            found = texts(browser, site, pages, epub=True)
            write_epub(OUT / f"{NAME}.epub", found, pages, site)
        if only != "epub":
            found = texts(browser, site, pages, epub=False)
            numbers = page_numbers(printed(browser, site, whole(found, pages, {})))
            write_pdf(OUT / f"{NAME}.pdf", printed(browser, site, whole(found, pages, numbers)))
        browser.close()
    made = sorted(OUT.glob(f"{NAME}.*"))
    offer([path.name for path in made])
    for path in made:
        print(f"{path}: {path.stat().st_size / 1e6:.1f} MB")


if __name__ == "__main__":
    main()
