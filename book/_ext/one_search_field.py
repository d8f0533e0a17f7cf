"""Leave the search field to the sidebar: a second one would fill an otherwise empty bar on top.

Set here, because html_theme_options in _config.yml would replace those that Jupyter Book derives
from the rest of that file, the buttons among them.
"""

from __future__ import annotations

from sphinx.application import Sphinx


def no_top_bar(app: Sphinx) -> None:
    app.config.html_theme_options["navbar_persistent"] = []


def setup(app: Sphinx) -> dict[str, bool]:
    app.connect("builder-inited", no_top_bar, priority=1)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
