"""Every page links to a report of an error on it, prefilled with the page and the version."""

import sys
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
import yaml
from bs4 import BeautifulSoup
from sphinx_project import EXTENSIONS, build, html, write

import backprop

sys.path.insert(0, str(EXTENSIONS))
from report_error import plain, report_address, site_of

ROOT = Path(__file__).resolve().parents[2]
FORM = ROOT / ".github" / "ISSUE_TEMPLATE" / "error-on-a-page.yml"
REPOSITORY = "https://github.com/Someone/a-book"
PAGES = {
    "index": "# The *book*\n\n```{toctree}\npart/slope\n```\n",
    "part/slope": "# Slopes & “signs” of $x^2$\n\nText.\n",
}


def project(root, **options):
    write(
        root, PAGES, "report_error", "sphinx.ext.mathjax", html_theme="sphinx_book_theme",
        html_theme_options=options,
    )  # fmt: skip
    build(root)


def links(root, page):
    return BeautifulSoup(html(root, page), "html.parser").select("main p.report-error a")


def test_every_page_has_the_link_with_page_and_version(tmp_path):
    project(tmp_path, repository_url=REPOSITORY)
    titles = {}
    for page in ("index", "part/slope", "genindex", "search"):
        (link,) = links(tmp_path, page)
        assert link.get_text() == "Is something wrong here?"
        address = urlsplit(link["href"])
        assert address._replace(query="").geturl() == f"{REPOSITORY}/issues/new"
        fields = parse_qs(address.query, strict_parsing=True)
        assert fields["page"] == [f"https://someone.github.io/a-book/{page}.html"]
        assert fields["version"] == [backprop.__version__]
        assert fields["template"] == [FORM.name]
        titles[page] = fields["title"][0]
    assert titles["index"] == "Error on the page “The book”"
    assert "Slopes & “signs” of" in titles["part/slope"] and "<" not in titles["part/slope"]


def test_without_a_repository_there_is_no_link(tmp_path):
    project(tmp_path)
    assert links(tmp_path, "index") == []


def test_the_form_has_the_fields_that_the_link_fills():
    query = urlsplit(report_address(REPOSITORY, "index", "The book", "1")).query
    filled = set(parse_qs(query)) - {"template", "title"}
    ids = {field.get("id") for field in yaml.safe_load(FORM.read_text("utf-8"))["body"]}
    assert filled == {"page", "version"} and filled <= ids


@pytest.mark.parametrize(
    ("repository", "site"),
    [
        ("https://github.com/Someone/a-book", "https://someone.github.io/a-book/"),
        ("https://github.com/Someone/a-book/", "https://someone.github.io/a-book/"),
        ("https://github.com/Someone/someone.github.io", "https://someone.github.io/"),
    ],
)
def test_where_github_serves_the_site(repository, site):
    assert site_of(repository) == site


def test_the_book_uses_it():
    config = yaml.safe_load((ROOT / "_config.yml").read_text("utf-8"))
    assert "report_error" in config["sphinx"]["config"]["extensions"]


def test_a_title_loses_its_tags_and_entities():
    assert plain("A <em>b</em>\n &amp; c") == "A b & c"
