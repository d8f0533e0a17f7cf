"""The figures of the chapter on cost say what was counted and measured."""

from backprop.book.figures import costs
from backprop.book.roofline import Machine


def test_the_bills_add_up_and_a_long_bar_is_torn():
    rows = [costs.Bill("value", [2], 0.02), costs.Bill("all", [2, 2, 1], 0.05),
            costs.Bill("nudging", [2_000_000], 200_000)]  # fmt: skip
    markup = costs.bills(rows, "title").markup
    for words in ("value: 20 ms", "1 forward pass", "all: 50 ms", "2.5 passes",
                  "nudging: 2.31 days", "1,000,000 forward passes",
                  "2 × xW", "2 × xᵀδ", "1 × δWᵀ"):  # fmt: skip
        assert f">{words}<" in markup
    assert markup.count("<rect") == 1 + 3 + 1 and markup.count('class="torn"') == 2
    assert markup.count('width="84.0"') == 1 + 2 and markup.count('width="42.0"') == 1


def test_each_product_fills_one_face_of_the_brick():
    markup = costs.bricks(4, 3, 2, "title").markup
    for words in ("8 sums of 3", "6 sums of 4", "12 sums of 2"):
        assert markup.count(f">{words}<") == 1
    squares = 4 * 2 + 3 * 2 + 4 * 3
    assert markup.count("<polygon") == 3 * squares
    assert markup.count('fill-opacity="1"') == 3  # the entry that is dark
    assert markup.count('fill-opacity="0.55"') == 8 + 6 + 12 - 3
    assert markup.count('fill-opacity="0.35"') == 2 * (3 + 4 + 2)  # what it is the sum of


def test_a_bar_is_as_long_as_its_forward_passes():
    markup = costs.by_batch([("1", (0.002, 0.004, 0.002)), ("8", (0.01, 0.01, 0.0101))], "t").markup
    for words in ("4.00", "3.01", "4.0", "10.1", "xW", "xᵀδ", "δWᵀ", "examples"):
        assert f">{words}<" in markup
    assert markup.count('width="56.0"') == 1 + 1 + 1 + 1 and markup.count('width="112.0"') == 1


def test_the_network_counts_its_products():
    markup = costs.article_network((784, 100, 2), "title").markup
    assert "forward: 156,800 + 400 = 157,200" in markup
    assert "backward: 156,800 + 400 + 400 = 157,600" in markup
    assert markup.count(">not needed<") == 1 and markup.count('class="struck"') == 1


def test_a_time_is_written_in_a_fitting_unit():
    said = [costs.in_words(s) for s in (0.0015, 0.144, 2, 90, 7200, 172_800)]
    assert said == ["1.5 ms", "144 ms", "2 s", "1.5 min", "2 h", "2 days"]


def test_each_time_has_its_place_above_the_bound():
    machine = Machine("one core", 4e10, 2.5e10, 4096, [1, 8], [8e-3, 2e-2], [2e-2, 5e-2],
                      [1.2e-2, 2e-2], [7e-3, 2.8e-2], 5e-3, [])  # fmt: skip
    markup = costs.above_the_bound(machine, "t").markup
    for words in ("1", "8", "xW", "xᵀδ", "δWᵀ", "computing", "carrying", "12.0 ms", "time / bound"):
        assert f">{words}<" in markup


def test_the_modes_cross_where_a_network_has_as_many_outputs_as_inputs():
    counts = {2: ([4, 5, 6], [3, 5, 9]), 4: ([8, 9, 10], [4, 7, 10])}
    markup = costs.crossing([1, 2, 4], counts, "t").markup
    for words in ("forward, 2", "reverse, 2", "forward, 4", "reverse, 4", "outputs"):
        assert f">{words}<" in markup


def test_the_line_at_three_lies_over_the_bars_and_beside_their_words():
    markup = costs.by_batch([("1", (1, 1.1, 1.5))], "t").markup
    assert markup.index("<line") > markup.rindex("<rect")
    at = 44 + 3 * 56
    third = 44 + 2.1 * 56, at  # the larger part of the third block
    assert f'x="{sum(third) / 2:.1f}"' in markup


def test_one_pass_back_finds_what_takes_a_pass_forward_for_each_weight():
    x, second, last = (3, 1, 2), ((1, 2), (1, 3)), (4, 1)
    drawn = costs.shared(x, second, last, "t")
    for words in ("δ = 1 · 4 + 2 · 1 = 6", "δ = 1 · 4 + 3 · 1 = 7"):
        assert drawn.markup.count(f">{words}<") == 1
    for slope in (18, 12, 21, 14):  # on its arrow, and at the end of its own pass
        assert drawn.markup.count(f">{slope}<") == 2
    assert "slopes 18, 21, 6, 7, 12, 14" in drawn.markup
    assert "forward: 3; 3, 6; 18" in drawn.markup and "forward: 2; 2, 6; 14" in drawn.markup
