"""A derivative enters the ledger only where every judge agrees."""

import json

import numpy as np
import pytest

from backprop.book.ledger import EPS, MIME, record

OURS = np.array([1.0, -2.0, 0.5])


def entry(**changed):
    judges = {"symbolic": OURS, "complex_step": OURS, "autograd": OURS} | changed
    judges = {name: value for name, value in judges.items() if value is not None}
    return record("a name", "x^2", "backprop.f", OURS, **judges)


def test_agreement_is_told_and_kept():
    made = entry(central_difference=OURS + 1e-11)
    assert made.summary() == (
        "Checked: SymPy equal · complex step equal · autograd equal · central difference 5e-12"
    )
    kept = json.loads(made._repr_mimebundle_()[MIME])
    assert [c["oracle"] for c in kept["checks"]] == [
        "symbolic", "complex step", "autograd", "central difference",
    ]  # fmt: skip
    assert all(c["error"] <= c["tolerance"] for c in kept["checks"])


@pytest.mark.parametrize("judge", ["symbolic", "complex_step", "autograd"])
@pytest.mark.parametrize("k", range(3))
def test_one_entry_that_is_off_is_refused(judge, k):
    off = OURS.copy()
    off[k] += 2.1 * 64 * EPS  # relative to the largest entry, which is 2
    with pytest.raises(AssertionError, match=r"a name: backprop\.f is off by"):
        entry(**{judge: off})


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_what_is_no_number_does_not_agree(value):
    with pytest.raises(AssertionError, match="is off by"), np.errstate(invalid="ignore"):
        entry(symbolic=np.array([1.0, value, 0.5]))


def test_small_entries_are_judged_on_the_scale_of_the_largest():
    assert entry(symbolic=OURS + 1e-15)
    ours = np.array([1e6, 1e-6])
    made = record(
        "a", "x", "f", ours, symbolic=ours + np.array([0, 1e-9]), autograd=ours, complex_step=ours
    )
    assert made.checks[0].error == pytest.approx(1e-15)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"symbolic": None}, "lacks symbolic"),
        ({"autograd": None}, "lacks autograd"),
        ({"complex_step": None}, "lacks central_difference or complex_step"),
        ({"oracle": OURS}, r"unknown judges \['oracle'\]"),
        ({"symbolic": OURS[:, None]}, r"symbolic has shape \(3, 1\), expected \(3,\)"),
        ({"symbolic": OURS[:1]}, r"symbolic has shape \(1,\), expected \(3,\)"),
    ],
)
def test_a_missing_or_unfit_judge_is_named(changed, message):
    with pytest.raises(ValueError, match=message):
        entry(**changed)
