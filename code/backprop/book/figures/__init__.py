"""The book's figures: one style, plots, and pictures that the reader steps through or changes."""
