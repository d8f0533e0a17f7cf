"""The figures of the chapter on cost say what was counted and measured."""

from backprop.book.figures import costs
from backprop.book.roofline import Machine


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
    assert markup.count(">not needed<") == 1 and markup.count('class="struck"') == 1


def test_seconds_are_written_at_the_end_of_each_line_and_the_ratio_below():
    markup = costs.seconds_by_weights([10, 1000], [1e-4, 0.02], [3e-4, 0.06], 2.97, "t").markup
    for words in ("20 ms", "60 ms", "20 s", "nudging (computed)", "2.97 counted"):
        assert f">{words}<" in markup
    said = [costs.in_words(s) for s in (0.0015, 0.144, 2, 90, 7200)]
    assert said == ["1.5 ms", "144 ms", "2 s", "1.5 min", "2 h"]


def test_three_ways_to_a_jacobian_have_their_numbers():
    rows = [costs.Jacobian("a waist", (5, 1, 5), 100, 100, (10, 10, 50))]
    markup = costs.narrow_places(rows, "title").markup
    assert markup.count(">100<") == 2 and markup.count(">70<") == 1
    assert markup.count("<rect") == 3 + 2 + 3
    for words in ("a waist", "forward", "reverse", "from the middle"):
        assert markup.count(f">{words}<") == 1


MACHINE = Machine("one core", 4e10, 2.5e10, 4096, [1, 8], [8e-3, 2e-2], [2e-2, 5e-2],
                  [1e-3, 9e-3], 1e-2, 1e-2, 5e-3)  # fmt: skip


def test_each_batch_has_its_predictions_and_the_price_of_both_passes():
    one, eight = costs.batches(MACHINE)
    assert one.caption == (
        "By the roof, memory decides, and the two passes take at least 5.4 and 10.7 ms."
        " Measured: 8.00 and 20.00 ms, together 3.50 forward passes."
    )
    assert eight.caption.startswith("By the roof, the processor decides, and the two")
    assert "with 1 example:" in one.svg and "with 8 examples:" in eight.svg
    for frame in (one, eight):  # on one scale, all prices in every frame
        for words in ("corner: 1.6", "ReLU", "3.50", "forward", "backward"):
            assert frame.svg.count(f">{words}<") >= 1, words
