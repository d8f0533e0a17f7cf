"""Fix a program that is kept as text: a diff of a few lines is shown, and is what is applied."""

from __future__ import annotations


def patched(text: str, diff: str) -> str:
    """Return a program's text after a diff.

    Parameters
    ----------
    text : str
        The program.
    diff : str
        One hunk or several. In a hunk come first the lines that must stand in the text, one below
        the other: with ``-`` if they go, with a space if they stay. Then come those that are added,
        with ``+``. Indentation does not count: new lines take that of the hunk's first one.

    Raises
    ------
    ValueError
        If a line begins in another way, or the lines of a hunk do not stand in the text once.
    """
    lines = text.splitlines()
    for hunk in _hunks(diff):
        old = [line[1:].strip() for line in hunk if line[0] != "+"]
        bare = [line.strip() for line in lines]
        places = [k for k in range(len(lines)) if old and bare[k : k + len(old)] == old]
        if len(places) != 1:
            raise ValueError(f"patched: {old} stands in the text {len(places)} times, expected 1")
        first = lines[places[0]]
        space = first[: len(first) - len(first.lstrip())]
        new = [space + line[1:].strip() for line in hunk if line[0] != "-"]
        lines[places[0] : places[0] + len(old)] = new
    return "\n".join(lines) + "\n"


def _hunks(diff: str) -> list[list[str]]:
    """Split a diff where a line of the old text follows a line of the new one."""
    hunks: list[list[str]] = []
    before = "+"
    for line in filter(str.strip, diff.splitlines()):
        if line[0] not in "+- ":
            raise ValueError(f"patched: {line!r} begins with none of '+', '-' and ' '")
        if not hunks or (before == "+" and line[0] != "+"):
            hunks.append([])
        hunks[-1].append(line)
        before = line[0]
    return hunks
