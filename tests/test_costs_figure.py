"""The figures of the chapter on cost say what was counted and measured."""

from backprop.book.figures import costs
from backprop.book.roofline import Machine, Tower


def test_the_bills_add_up_and_a_long_bar_is_torn():
    rows = [costs.Bill("loss", 1, 0, 0.02), costs.Bill("all", 1, 1.5, 0.05),
            costs.Bill("nudging", 1e6, 0, 20_000)]  # fmt: skip
    markup = costs.bills(rows, "title").markup
    for words in ("loss", "1 forward pass: 20 ms", "all", "2.5: 50 ms", "nudging",
                  "1,000,000 forward passes: 5.56 h"):  # fmt: skip
        assert markup.count(f">{words}<") == 1
    assert markup.count("<rect") == 1 + 2 + 1 and markup.count('class="torn"') == 2


def test_the_network_counts_its_products():
    markup = costs.article_network((784, 100, 2), "title").markup
    assert "forward: 156,800 + 400 = 157,200" in markup
    assert "backward: 156,800 + 400 + 400 = 157,600" in markup
    assert markup.count(">not needed<") == 1 and markup.count('class="struck"') == 1


def test_a_time_is_written_in_a_fitting_unit():
    said = [costs.in_words(s) for s in (0.0015, 0.144, 2, 90, 7200)]
    assert said == ["1.5 ms", "144 ms", "2 s", "1.5 min", "2 h"]


def test_each_layer_has_its_place_below_the_roof():
    machine = Machine("one core", 4e10, 2.5e10, 4096, [1, 8], [8e-3, 2e-2], [2e-2, 5e-2],
                      [1.2e-2, 2e-2], [7e-3, 2.8e-2], 5e-3,
                      [Tower(99, 9, 1e-2, 2e-2, (5e-3, 1e-2))])  # fmt: skip
    markup = costs.below_the_roof(machine, "t").markup
    for words in ("corner: 1.6", "B = 1", "8", "xW", "xᵀδ", "δWᵀ", "99", "forward", "backward"):
        assert f">{words}<" in markup


def test_the_modes_cross_where_a_network_has_as_many_outputs_as_inputs():
    counts = {2: ([4, 5, 6], [3, 5, 9]), 4: ([8, 9, 10], [4, 7, 10])}
    markup = costs.crossing([1, 2, 4], counts, "t").markup
    for words in ("forward, 2", "reverse, 2", "forward, 4", "reverse, 4", "outputs"):
        assert f">{words}<" in markup
