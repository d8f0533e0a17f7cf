"""pytest's arguments, which the test command and the tasks of ``noxfile.py`` share."""

COMPARED = (
    "-n", "2", "--dist", "loadfile", "--nbval", "--nbval-current-env",
    "--nbval-sanitize-with=tests/book/sanitize.cfg", "--nbval-cell-timeout=300",
)  # fmt: skip
"""How a folder of notebooks is run again and compared with its stored outputs."""

TESTS = ("tests", "-n", "2", "--dist", "loadgroup")
"""All that is not a notebook."""
