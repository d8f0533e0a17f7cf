"""The book on paper and on an e-reader, made of a site of two pages."""

import sys
import xml.etree.ElementTree as ElementTree
import zipfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from pypdf import PdfReader

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / "tools"), str(ROOT / "book/_ext")]
import browsing  # noqa: E402
import paper  # noqa: E402
import set_math  # noqa: E402

XHTML = "{http://www.w3.org/1999/xhtml}"
HEAD = (
    '<!doctype html><html lang="en"><head><style>svg { --ink: rgb(1, 2, 3) }'
    " .map rect { stroke: rgb(4, 5, 6) }</style></head><body>"
)
FIRST = """<article class="bd-article"><section id="one">
<h1>One<a class="headerlink" href="#one">#</a></h1>
<p id="twice">See <a href="two.html#there">there</a>, <a href="two.html">two</a>,
<a href="gone.html">gone</a> and <a href="https://example.org/">outside</a>:
<span class="math">{}</span></p><p id="twice">Again.</p>
<svg class="map" role="group"><rect/><path d="M0 0" paint-order="stroke"/><path/></svg>
<div class="bp-stepper"><button>Next</button>{}</div>
<details id="fold"><summary>Answer</summary><p>It is 2.</p></details><script>1</script>
</section></article>"""
FRAME = (
    '<figure data-name="step {}"><svg><path fill="var(--ink)" d="M0 0"/></svg>'
    "<figcaption>c</figcaption></figure>"
)
SECOND = (
    '<article class="bd-article"><h1>Two</h1><h2 id="there">There</h2>'
    '<p><a href="one.html#one">Back</a></p></article>'
)
INDEX = '<ul><li><a href="book/two.html#there">a term</a></li></ul>'


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    if not browsing.chromium():
        pytest.skip("no chromium")
    root = tmp_path_factory.mktemp("paper")
    site = root / "html"
    (site / "book").mkdir(parents=True)
    frames = "".join(FRAME.format(k) for k in range(5))
    pages = {"one": FIRST.format(set_math.html("x^2", False), frames), "two": SECOND}
    for name, text in pages.items():
        (site / f"book/{name}.html").write_text(f"{HEAD}{text}</body></html>", encoding="utf-8")
    (site / "index.html").write_text("")
    (site / "genindex.html").write_text(INDEX)
    (site / "book/index.html").write_text(f"<p>Home.</p>{paper.MARK}")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(paper, "SITE", site)
        patch.setattr(paper, "OUT", root / "paper")
        patch.setattr(paper, "listed", lambda: [("", ["book/one"]), ("Part", ["book/two"])])
        patch.setattr(sys, "argv", ["paper.py"])
        # A thread of its own: the site's tests may hold Playwright's loop in this one.
        with ThreadPoolExecutor(1) as own:
            own.submit(paper.main).result()
            own.submit(paper.main).result()
    return root


def test_the_epub_is_well_formed_and_its_links_stay_inside(made):
    with zipfile.ZipFile(made / "paper/backprop-book.epub") as archive:
        names = archive.namelist()
        assert names[0] == "mimetype" and archive.read("mimetype") == b"application/epub+zip"
        for name in names[1:]:
            if not name.endswith(".css"):
                ElementTree.fromstring(archive.read(name))
        page = ElementTree.fromstring(archive.read("book/one.xhtml"))
        package = archive.read("book/content.opf").decode()
    links = [link.get("href") for link in page.iter(f"{XHTML}a")]
    assert links == ["two.xhtml#two--there", "two.xhtml", "https://example.org/"]
    ids = [element.get("id") for element in page.iter() if element.get("id")]
    assert ids == ["one", "one--one", "one--twice", "one--fold"], "each once, with its page's name"
    assert 'href="one.xhtml" media-type="application/xhtml+xml" properties="mathml svg"' in package


def test_nothing_is_left_to_press_and_figures_stand_still(made):
    with zipfile.ZipFile(made / "paper/backprop-book.epub") as archive:
        text = archive.read("book/one.xhtml").decode()
    assert not any(f"<{tag}" in text for tag in ("button", "script", "details", "summary"))
    assert "It is 2." in text and "x^2" in text and "katex-html" not in text
    assert "step 0. c" in text and "step 4. c" in text and "step 1. c" not in text
    assert "rgb(1, 2, 3)" in text and "var(" not in text
    assert "rgb(4, 5, 6)" in text, "what only a rule of the page's style says"
    assert 'paint-order="' not in text and "paint-order: stroke" in text
    assert 'role="group"' not in text and text.count("<path") == 3


def test_the_pdf_has_bookmarks_and_true_page_numbers(made):
    reader = PdfReader(made / "paper/backprop-book.pdf")
    titles = [entry.title for entry in reader.outline if not isinstance(entry, list)]
    assert "One" in titles and "Index" in titles
    words = [page.extract_text() for page in reader.pages]
    numbers = paper.page_numbers((made / "paper/backprop-book.pdf").read_bytes())
    assert "There" in words[numbers["two--there"] - 1]
    assert f"a term {numbers['two--there']}" in words[-1]
    assert "Two" in words[1] and str(numbers["two"]) in words[1]


def test_the_first_page_offers_both_once(made):
    text = (made / "html/book/index.html").read_text(encoding="utf-8")
    assert text.count("backprop-book.pdf") == text.count("backprop-book.epub") == 1
    assert (made / "html/downloads/backprop-book.epub").exists()


def test_every_chapter_is_in_it_and_the_reference_is_not():
    pages = [page for _, group in paper.listed() for page in group]
    assert pages[0] == "book/index" and paper.slug(pages[0]) == "home"
    assert {path.stem for path in (ROOT / "book").glob("part*/*.ipynb")} <= {
        Path(page).stem for page in pages
    }
    assert not any("/reference/" in page or page == "genindex" for page in pages)
    assert len({paper.slug(page) for page in pages}) == len(pages)


def test_it_says_what_is_missing(tmp_path, monkeypatch):
    monkeypatch.setattr(paper, "SITE", tmp_path)
    monkeypatch.setattr(sys, "argv", ["paper.py"])
    with pytest.raises(SystemExit, match="make book"):
        paper.main()
    (tmp_path / "index.html").write_text("")
    monkeypatch.setattr(paper, "chromium", lambda: None)
    with pytest.raises(SystemExit, match="no chromium"):
        paper.main()
