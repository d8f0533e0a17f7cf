"""Link every page to a prefilled report of an error on it.

The link stands in the footer of the article, so that a generated page (index, search) has it too.
The address of the repository is the one of ``_config.yml``; the fields are those of
``.github/ISSUE_TEMPLATE/error-on-a-page.yml``.
"""

from __future__ import annotations

import html
import re
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.config import Config

TEMPLATES = Path(__file__).resolve().parent / "templates"


def site_of(repository: str) -> str:
    """Return the address at which GitHub Pages serves a repository's site, with a slash last."""
    owner, name = urlsplit(repository).path.strip("/").split("/")
    root = f"https://{owner.lower()}.github.io/"
    return root if root == f"https://{name.lower()}/" else f"{root}{name}/"


def report_address(repository: str, page: str, title: str, version: str) -> str:
    """Return the address of a new issue that names the page and the version."""
    fields = {
        "template": "error-on-a-page.yml",
        "title": f"Error on the page “{title}”",
        "page": f"{site_of(repository)}{page}.html",
        "version": version,
    }
    return f"{repository.rstrip('/')}/issues/new?{urlencode(fields, quote_via=quote)}"


def plain(title: str) -> str:
    """Return the text of a title in HTML."""
    return " ".join(html.unescape(re.sub(r"<[^>]*>", "", title)).split())


def add_address(
    app: Sphinx,
    pagename: str,
    templatename: str,
    context: dict[str, Any],
    doctree: nodes.document | None,
) -> None:
    repository = app.config.html_theme_options.get("repository_url")
    if repository:
        title = plain(context.get("title") or pagename)
        context["report_address"] = report_address(
            repository, pagename, title, app.config.report_error_version
        )


def add_template(app: Sphinx, config: Config) -> None:
    config.templates_path.append(str(TEMPLATES))


def add_footer(app: Sphinx) -> None:
    # Here, because html_theme_options in _config.yml would replace Jupyter Book's own.
    app.config.html_theme_options["article_footer_items"] = ["report-error.html"]


def setup(app: Sphinx) -> dict[str, bool]:
    from backprop import __version__

    app.add_config_value("report_error_version", __version__, "html")
    app.connect("config-inited", add_template)
    app.connect("builder-inited", add_footer, priority=1)
    app.connect("html-page-context", add_address)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
