"""What the book's pages need: figures, SymPy, the ledger, exercises.

The library never imports it.
"""
