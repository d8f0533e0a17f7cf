"""The figures of the chapter on cost say what was counted and measured."""

from backprop.book.figures import costs
from backprop.book.roofline import Point


def test_the_bills_add_up_and_a_long_bar_is_torn():
    rows = [costs.Bill("loss", 1, 0), costs.Bill("all", 1, 1.5), costs.Bill("nudging", 1e6, 0)]
    markup = costs.bills(rows, "title").markup
    for words in ("loss", "1 forward pass", "all", "2.5", "nudging", "1,000,000"):
        assert markup.count(f">{words}<") == 1
    assert markup.count("<polygon") == 1 and markup.count("<rect") == 1 + 2


def test_the_network_counts_its_products():
    markup = costs.article_network((784, 100, 2), "title").markup
    assert "forward: 156,800 + 400 = 157,200" in markup
    assert "backward: 156,800 + 400 + 400 = 157,600" in markup
    assert markup.count(">not needed<") == 1


def test_seconds_are_written_at_the_end_of_each_line_and_the_ratio_below():
    markup = costs.seconds_by_weights([10, 1000], [1e-4, 0.02], [3e-4, 0.06], 2.97, "t").markup
    for words in ("20 ms", "60 ms", "20 s", "nudging (computed)", "2.97 counted"):
        assert f">{words}<" in markup
    said = [costs.in_words(s) for s in (0.0015, 0.144, 2, 90, 7200)]
    assert said == ["1.5 ms", "140 ms", "2 s", "1.5 min", "2 h"]


def test_the_crossing_has_both_modes():
    markup = costs.crossing(
        range(1, 4), [1, 2, 3], [3, 2, 1], ([1, 3], [1, 3], [3, 1]), "title"
    ).markup
    assert "forward mode" in markup and "reverse mode" in markup


def test_the_roofline_names_each_mark_once():
    points = [
        Point("Dense, B = 1", 0.25, 4e9), Point("Dense, B = 8", 2, 9e9), Point("ReLU", 0.06, 2e9),
        Point("Dense, B = 128", 30, 2e10), Point("Adam", 0.2, 3e9), Point("softmax", 0.3, 2e8),
    ]  # fmt: skip
    markup = costs.roofline(points, 3e10, 2e10, "title").markup
    for name in ("ReLU", "B = 1", "Dense, B = 8", "B = 128", "Adam", "softmax"):
        assert markup.count(f">{name}<") == 1
