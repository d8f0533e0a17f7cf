"""The figures of the chapter on cost say what was counted and measured."""

from backprop.book.figures import costs
from backprop.book.roofline import Machine, Tower


def test_the_bills_add_up_and_a_long_bar_is_torn():
    rows = [costs.Bill("loss", 1, 0), costs.Bill("all", 1, 1.5), costs.Bill("nudging", 1e6, 0)]
    markup = costs.bills(rows, "title").markup
    for words in ("loss", "1 forward pass", "all", "2.5", "nudging", "1,000,000"):
        assert markup.count(f">{words}<") == 1
    assert markup.count("<rect") == 1 + 2 + 1 and markup.count('class="torn"') == 2


def test_the_network_counts_its_products():
    markup = costs.article_network((784, 100, 2), "title").markup
    assert "forward: 156,800 + 400 = 157,200" in markup
    assert "backward: 156,800 + 400 + 400 = 157,600" in markup
    assert markup.count(">not needed<") == 1 and markup.count('class="struck"') == 1


def test_each_network_has_its_ratio_and_the_parts_their_names():
    towers = [Tower(9, 99, 1.0, 1.5, (0.5, 1.0)), Tower(18, 999, 1.0, 2.25, (0.75, 1.75))]
    markup = costs.passes_by_width(towers, 2.97, "t").markup
    for words in ("2.50", "3.25", "18", "2.97 counted", "products", "the rest"):
        assert f">{words}<" in markup


def test_a_time_is_written_in_a_fitting_unit():
    said = [costs.in_words(s) for s in (0.0015, 0.144, 2, 90, 7200)]
    assert said == ["1.5 ms", "144 ms", "2 s", "1.5 min", "2 h"]


def test_three_ways_to_a_jacobian_have_their_numbers_the_cheapest_last():
    rows = [costs.Jacobian("a waist", (5, 1, 5), 90, 100, 70)]
    markup = costs.narrow_places(rows, "title").markup
    places = [markup.index(f">{words}<") for words in ("reverse", "forward", "from the middle")]
    assert places == sorted(places) and markup.count("<rect") == 3 + 3
    for words in ("a waist", "100", "90", "70"):
        assert markup.count(f">{words}<") == 1


def test_a_hairline_is_magnified():
    products = [("up", 30), ("down", 10)]
    rows = [costs.Jacobian("a waist", (5, 1, 5), 9000, 9000, 40, products)]
    markup = costs.narrow_places(rows, "title").markup
    assert ">up<" in markup and ">30<" in markup and markup.count("<line") == 2
    assert 'width="297.0"' in markup and 'width="99.0"' in markup


def test_each_batch_has_its_place_below_the_roof_and_the_price_of_both_passes():
    machine = Machine("one core", 4e10, 2.5e10, 4096, [1, 8], [8e-3, 2e-2], [2e-2, 5e-2],
                      [1.2e-2, 2e-2], [7e-3, 2.8e-2], [], 5e-3, 1e-9, [])  # fmt: skip
    markup = costs.below_the_roof(machine, "t").markup
    for words in ("corner: 1.6", "B = 1", "8", "processor's limit", "memory's limit"):
        assert f">{words}<" in markup
    markup = costs.prices(machine, "t").markup
    assert markup.count(">3.5<") == 2 and markup.count(">forward<") == 1
