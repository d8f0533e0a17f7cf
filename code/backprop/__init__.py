"""Backpropagation in NumPy: the tested code under the book.

The modules import downwards only: ``arrays`` knows nothing of ``layers``, ``layers`` nothing of
``network``. ``symbolic``, ``plotting`` and ``gradcheck`` stand beside the numerical core and are
imported by chapters and tests alone.
"""

__version__ = "0.1.0"
