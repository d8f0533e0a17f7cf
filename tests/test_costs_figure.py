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
    assert said == ["1.5 ms", "140 ms", "2 s", "1.5 min", "2 h"]


def test_three_ways_to_a_jacobian_have_their_numbers():
    rows = [costs.Jacobian("a waist", (5, 1, 5), 100, 100, (10, 10, 50))]
    markup = costs.narrow_places(rows, "title").markup
    assert markup.count(">100<") == 2 and markup.count(">70<") == 1
    assert markup.count("<rect") == 3 + 2 + 3
    for words in ("a waist", "forward", "reverse", "from the middle"):
        assert markup.count(f">{words}<") == 1


MACHINE = Machine("one core", 4e10, 2.5e10, 4096, [1, 8], [8e-3, 2e-2], [2e-2, 5e-2],
                  [1e-3, 9e-3], 1e-2)  # fmt: skip


def test_each_batch_has_its_predictions_and_its_share_of_the_roof():
    one, eight = costs.batches(MACHINE)
    assert one.caption.startswith("Carrying takes longer, so the roof allows 5.4 ms.")
    assert eight.caption == (
        "Computing takes longer, so the roof allows 6.7 ms. Measured: 20.0 ms, 34% of the roof."
    )
    for words in ("corner: 1.6", "B = 8: 34% of the roof", "5.4 ms", "6.7 ms", "20.0 ms", "9.0 ms"):
        assert eight.svg.count(f">{words}<") == 1, words
    assert "67% of the roof" in one.svg and "ReLU: 54%" in one.svg
