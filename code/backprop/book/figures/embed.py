"""A figure as HTML that stands alone: markup, style, script and data in one output.

No server, no library, no request; the same output works on a static page, in JupyterLab, Colab
and VS Code. The script is a module, so that its names are its own, and finds the figures that no
script has taken up yet. What the browsers run are the files beside this one.
"""

from __future__ import annotations

import json
import re
from functools import cache
from html import escape
from importlib.resources import files
from typing import Any


@cache
def source(name: str) -> str:
    """Return the text of a script or style sheet of this package."""
    return files(__package__).joinpath(name).read_text(encoding="utf-8").strip()


def check_name(where: str, name: str) -> None:
    """Raise ValueError unless ``name`` can be part of an HTML id."""
    if not re.fullmatch(r"[A-Za-z0-9-]+", name):
        raise ValueError(f"{where}: name is {name!r}, expected letters, digits and hyphens")


def figure(
    kind: str, name: str, title: str, body: str, data: Any = None, *, sliders: bool = False
) -> str:
    """Return the HTML of a figure.

    Parameters
    ----------
    kind : str
        "stepper", "explorer", "switches" or "ravine": names the style sheet and the script.
    name : str
        Unique on its page: the figure's id is ``kind-name``.
    title : str
        What a screen reader calls the figure.
    body : str
        Markup, whole without JavaScript.
    data : object, optional
        What the script reads, written as JSON.
    sliders : bool
        Whether the figure has rows of sliders, whose style sheet comes before its own.
    """
    sheets = ["theme", *(["sliders"] if sliders else []), kind]
    styles = "\n".join(source(f"{sheet}.css") for sheet in sheets)
    classes = " ".join(f"bp-{sheet}" for sheet in ("figure", *sheets[1:]))
    parts = [
        f'<div class="{classes}" id="{kind}-{name}" role="group" aria-label="{escape(title)}">',
        f"<style>\n{styles}\n</style>",
        body,
    ]
    if data is not None:
        # Inside a script element nothing is markup but "</script" and "<!--".
        text = json.dumps(data, ensure_ascii=False).replace("<", "\\u003c")
        parts.append(f'<script type="application/json">{text}</script>')
    parts.append(f'<script type="module">\n{source(f"{kind}.js")}\n</script>\n</div>')
    return "\n".join(parts)
