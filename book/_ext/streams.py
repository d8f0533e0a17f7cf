"""A cell's printed lines as one output, for the notebooks in git and those that readers get."""

from __future__ import annotations

from typing import Any


def joined(outputs: list[Any]) -> list[Any]:
    """Join the pieces of a stream: where a kernel cuts it is chance.

    MyST-NB's own function for this drops and adds ends of lines.
    """
    out: list[Any] = []
    for output in outputs:
        last = out[-1] if out else {}
        if output.output_type == "stream" and output.name == last.get("name"):
            out[-1] = type(output)({**last, "text": last["text"] + output.text})
        else:
            out.append(output)
    return out
