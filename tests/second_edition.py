"""The chapters of the second edition, and how long a chapter may be, exercises apart."""

SECOND_EDITION = [
    "networks",
    "losses",
    "gradients",
    "chain-rule",
    "graphs-by-hand",
    "the-tape",
    "four-steps",
    "matrix-form",
    "broadcasting",
    "gradient-checking",
    "gradient-descent",
    "digits",
    "is-it-any-good",
    "debugging-the-article",
    "ten-bugs",
    "initialisation",
    "vanishing-and-exploding",
    "normalisation",
    "dropout-and-decay",
    "momentum-to-adam",
    "schedules",
    "local-minima",
    "precision",
    "cost",
    "memory",
    "convolution",
    "recurrent",
    "gates",
    "attention",
    "heads-and-masks",
    "small-language-model",
    "variational-autoencoder",
    "implicit",
]
WORDS = 2600
CELLS, VISIBLE_CELLS = 40, 25
LINES, COLUMNS, LINES_A_CELL = 160, 80, 14
HEIGHT = 12_000
"""Pixels of the page at a width of 1280, before the exercises."""
