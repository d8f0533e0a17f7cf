"""The built site: no foreign request, mathematics served from the site, figures described."""

import os
import re
from pathlib import Path

import pytest

SITE = Path(__file__).parent.parent / "_build" / "html"
PAGES = [
    "book/index.html", "book/part1-idea/chain-rule.html", "book/appendices/ledger.html",
]  # fmt: skip


def absent():
    if "BACKPROP_REQUIRE_SITE" in os.environ:
        pytest.fail("the site was not built")
    pytest.skip("the site is not built: run make book")


@pytest.fixture(params=PAGES)
def page(request):
    path = SITE / request.param
    if not path.exists():
        absent()
    return path


def test_no_foreign_script_style_or_image(page):
    loaded = re.findall(r"<(?:script|img|iframe)[^>]*\ssrc=\"([^\"]+)\"", page.read_text())
    loaded += re.findall(
        r"<link rel=\"(?:stylesheet|preload|icon)\"[^>]*href=\"([^\"]+)\"", page.read_text()
    )
    assert loaded
    for url in loaded:
        assert not re.match(r"(https?:)?//", url), url
        assert (page.parent / url.split("?")[0]).exists(), url


def test_every_image_has_an_alt_text(page):
    for tag in re.findall(r"<img[^>]*>", page.read_text()):
        alt = re.search(r'alt="([^"]*)"', tag)
        assert alt and alt[1] and not alt[1].endswith((".png", ".svg")), tag


def test_ledger_lists_the_chapters_derivatives():
    path = SITE / "book/appendices/ledger.html"
    if not path.exists():
        absent()
    text = path.read_text()
    assert "activations.sigmoid_prime" in text and "layers.Dense.backward" in text
