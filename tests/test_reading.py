"""What is stored of a sentence is what the stored model expects there."""

import numpy as np

from backprop.book import language, reading
from backprop.book.alice import letters

FOUND = reading.stored()


def test_what_is_stored_has_an_entry_for_each_letter():
    n = len(reading.SENTENCE)
    assert FOUND["text"] == reading.SENTENCE and len(FOUND["before"]) == n
    assert len(FOUND["letters"]) == len(FOUND["p"]) == len(FOUND["came"]) == n
    assert len(FOUND["counted"]) == n
    for row, p in zip(FOUND["letters"], FOUND["p"], strict=True):
        assert len(row) == len(p) == reading.TOP and p == sorted(p, reverse=True)
        assert sum(p) <= 1.005


def test_the_sentence_is_read_after_what_stands_before_it_in_the_new_text():
    data = letters()
    assert FOUND["before"] + FOUND["text"] in data.alphabet.decode(data.validation)
    assert 2 * len(reading.SENTENCE) <= language.LARGE.length


def test_what_is_stored_is_what_the_model_says():
    data = letters()
    counts = language.counted()["Kneser-Ney"].best
    again = reading.told(language.stored_model(), data, counts)
    assert again.keys() == FOUND.keys()
    np.testing.assert_allclose(again["came"], FOUND["came"], rtol=0.02)
    assert again["counted"] == FOUND["counted"]
    numbers = data.alphabet.encode(FOUND["before"] + FOUND["text"])
    n = len(reading.SENTENCE)
    for k in (0, 7, 20):
        p = reading.expected(language.stored_model(), numbers[: n + k])[-1]
        assert np.isclose(p[numbers[n + k]], FOUND["came"][k], rtol=0.02)
        assert data.alphabet.decode([p.argmax()]) == FOUND["letters"][k][0]
        assert abs(p.max() - FOUND["p"][k][0]) < 0.01
