"""The figures of "Variational autoencoder" show what was computed."""

import xml.etree.ElementTree as ET

import numpy as np
import pytest
from drawing_cases import check_words

from backprop.book import latent
from backprop.book.figures import latent_plane

SVG = "{http://www.w3.org/2000/svg}"
CODES, LABELS = np.array([[1.0, -1], [0, 0], [0.5, 2], [99, 0]]), np.array([3, 7, 3, 7])


def test_a_plane_has_dots_where_the_codes_are():
    plane = latent_plane.Plane(CODES, LABELS, 100.0, 20.0, 60.0, 3.0)
    assert plane.at(np.array([1.0, -1])) == (140.0, 60.0), "10 a unit, the middle at (130, 50)"
    markup = plane.drawn()
    assert markup.count("h0") == 3, "99 lies outside"
    assert "M140.0 60.0h0" in markup and 'r="20.0"' in markup
    assert plane.names().count("<text") == 2


def words_at(markup):
    return {e.text: (float(e.get("x")), float(e.get("y")))
            for e in ET.fromstring(f"<svg>{markup}</svg>").iter("text")}  # fmt: skip


def test_names_keep_apart_from_each_other_and_from_what_is_to_stay_clear():
    codes, clear = np.array([[0.0, 0], [0.1, 0], [2, 2]]), np.array([[2.0, 2.1]])
    plane = latent_plane.Plane(codes, np.array([3, 7, 8]), 0.0, 0.0, 60.0, 3.0)
    one, two, far = words_at(plane.names()).values()
    assert np.hypot(*np.subtract(one, two)) > 18.5 and far == (50, 15)
    moved = np.array(words_at(plane.names(clear))["8"]) - [0, 5]
    assert np.hypot(*(moved - plane.at(clear[0]))) > 14.5


def test_the_plane_is_decoded_where_the_codes_are(monkeypatch):
    seen = []
    monkeypatch.setattr(latent, "decoded", lambda _, z: seen.append(z) or np.zeros((len(z), 64)))
    plane = latent_plane.Plane(CODES, LABELS, 100.0, 20.0, 60.0, 3.0)
    markup = plane.decoded(latent.trained(1), 3, "a-name")
    np.testing.assert_allclose(seen[0][[0, 2, 4, 6]], [[-2, 2], [2, 2], [0, 0], [-2, -2]])
    assert plane.at(seen[0][0]) == (110, 30), "the middle of the first of 3 x 3 images"
    assert 'id="a-name"' in markup and "url(#a-name)" in markup


def test_a_walk_visits_the_codes_of_its_digits(monkeypatch):
    digits, seen, decoded = latent.digits(1), [], latent.decoded
    monkeypatch.setattr(latent, "decoded", lambda n, z: seen.append(z) or decoded(n, z))
    network, shown = latent.trained(1), [3, 5, 9]
    frames = latent_plane.interpolations(network, digits, shown, "title", steps=2)
    codes = latent.codes(network, digits.test[shown])
    stops, grid = seen[:2]
    assert len(frames) == 5 == len(stops) and len(grid) == 49
    np.testing.assert_allclose(stops[::2], codes)
    np.testing.assert_allclose(stops[1::2], (codes[:-1] + codes[1:]) / 2)
    square = latent_plane.Plane(codes, digits.labels[shown], 4.0, 26.0, 200.0, 3.0)
    for k, frame in enumerate(frames):
        check_words(frame.svg, 0.55)
        assert frame.svg.startswith('<svg class="bp-drawn"') and frame.svg.count("<mask") == 2
        x, y = square.at(stops[k])
        circles = list(ET.fromstring(frame.svg).iter(f"{SVG}circle"))
        for r, place in ("6.0", (x, y)), ("10.0", (x + 212, y)):
            spot = next(e for e in circles if e.get("r") == r)
            assert (float(spot.get("cx")), float(spot.get("cy"))) == pytest.approx(place, abs=0.06)
    first, second, third = digits.labels[shown]
    assert f"test digit {second}, decoded." in frames[2].caption
    assert frames[1].caption == f"1 of 2 parts of the way from the {first} to the {second}."
    assert frames[3].caption == f"1 of 2 parts of the way from the {second} to the {third}."


def test_clouds_are_twice_as_wide_as_their_deviations():
    digits, new = latent.digits(1), np.array([[0.0, 0], [1, -1], [0.5, 2]])
    networks = {factor: latent.trained(1, kl=float(factor)) for factor in ("0", "1", "64")}
    points, loose, collapsed = latent_plane.clouds(
        networks, digits, new, {"0": 87.6, "1": 53.7, "64": 100.0}
    )
    frames = (points, "0", "14"), (loose, "1", "3.6"), (collapsed, "64", "3.6")
    for frame, factor, reach in frames:
        check_words(frame.svg, 0.55, above=10)
        assert f"<title>Factor {factor}<" in frame.svg and f"from −{reach} to {reach}" in frame.svg
        assert frame.svg.startswith('<svg class="bp-drawn"') and frame.svg.count("<mask") == 2
        assert ("zoomed out" in frame.svg) == (factor == "0")
    drawn = [e for e in ET.fromstring(loose.svg).iter(f"{SVG}ellipse")]
    assert len(drawn) == 60
    first = np.flatnonzero(digits.labels == 0)[0]
    answer = networks["1"].named["encoder"].forward(digits.test[first : first + 1])[0]
    unit = 198 / 2 / 3.6
    assert float(drawn[0].get("rx")) == pytest.approx(2 * unit * np.exp(answer[2] / 2), abs=0.06)
    assert float(drawn[0].get("cx")) == pytest.approx(4 + unit * (answer[0] + 3.6), abs=0.06)
    middle = f"{4 + unit * 4.6 - 4:.1f} {28 + unit * 4.6:.1f}"
    assert f"M{middle}h8M" in loose.svg, "a cross at (1, -1)"
    assert loose.svg.count("h10M") == 2 and "h10M" not in points.svg, "no crosses when zoomed out"
    dots = [e for e in ET.fromstring(points.svg).iter(f"{SVG}ellipse") if e.get("stroke") is None]
    assert len(dots) > 55 and {e.get("rx") for e in dots} == {"1.6"}
    assert loose.caption == (
        "Pixels 18.7 + divergence 2.3 = 21.0 nats."
        " Of new codes, 54 % lie in the ellipse of a training digit."
    )
    assert ">all<" in collapsed.svg and ">all<" not in loose.svg


def test_new_codes_are_decoded_in_a_row(monkeypatch):
    seen, new = [], np.array([[0.0, 0], [1, -1]])
    monkeypatch.setattr(latent, "decoded", lambda _, z: seen.append(z) or np.zeros((len(z), 64)))
    frame = latent_plane.clouds(
        {"1": latent.trained(1)}, latent.digits(1), new, {"1": 50.0}, across=3
    )[0]
    assert [len(z) for z in seen] == [9, 2] and (seen[1] == new).all()
    assert 'width="412" height="206.0"' in frame.svg, "one row of two"


def test_bound_and_gap_add_up():
    votes = {"½": 0.5, "1": 1.0, "0.8": 0.8}
    markup = latent_plane.bounds((0.4, 0.1), votes, "title").markup
    check_words(markup, 0.53)
    exact = np.log(0.5)
    assert f">ln p(x) = −{-exact:.4f}<" in markup
    half, sure = 0.5 * np.log(0.4 * 0.1 / 0.25), np.log(0.4)
    for low in half, sure:
        assert f">bound −{-low:.4f}, gap {exact - low:.4f}<" in markup
    assert f">bound −{-exact:.4f}, gap 0<" in markup
    dots = [float(e.get("cx")) for e in ET.fromstring(markup).iter(f"{SVG}circle")]
    assert dots[2] - dots[0] == pytest.approx(284 * (exact - half) / 0.25, abs=0.11)


def test_one_pass_draws_three_codes_and_what_they_cost():
    digits, network, which = latent.digits(1), latent.trained(1), 358
    noise = np.array([[0.0, -1], [0, 1], [1, 0]])
    markup = latent_plane.one_pass(network, digits, which, noise, "title").markup
    check_words(markup, 0.53)
    image = digits.test[which : which + 1]
    mean, deviation = (part[0] for part in latent.clouds(network, image))
    z = mean + deviation * noise[[1, 2, 0]]  # from the highest to the lowest
    square = latent_plane.Plane(z, LABELS[:3], 124.0, 28.0, 140.0, 2.6)
    root = ET.fromstring(markup)
    spots = [e for e in root.iter(f"{SVG}circle") if e.get("r") == "3"]
    for spot, code in zip(spots, z, strict=True):
        place = float(spot.get("cx")), float(spot.get("cy"))
        assert place == pytest.approx(square.at(code), abs=0.06)
    costs = latent.pixel_costs(network.named["decoder"].forward(z), image).round(1)
    nats = (-np.log(deviation) + (mean**2 + deviation**2 - 1) / 2).sum().round(1)
    said = [f"{cost:.1f}" for cost in costs]
    assert [e.text for e in root.iter(f"{SVG}text") if e.text in said] == said
    assert f">divergence {nats:.1f}<" in markup
    assert f"{said[-1]} + {nats:.1f} = {costs[-1] + nats:.1f} nats<" in markup


def test_both_errors_add_up():
    markup = latent_plane.two_errors("title").markup
    check_words(markup, 0.53)
    mu, tau, xi, x = 1, 0.5, 2, 0
    a = z = mu + tau * xi
    error, cost = 2 * (a - x), (a - x) ** 2
    by_draw, by_kl = (error, error * tau * xi / 2), (mu, (tau**2 - 1) / 2)
    assert (by_draw, by_kl) == ((4, 2), (1, -3 / 8)) and cost == 4
    kl = (mu**2 + tau**2 - 1 - np.log(tau**2)) / 2
    for words in ("μ: 4, ℓ: 2", "μ: 1, ℓ: −⅜", "μ: 4 + 1 = 5", "ℓ: 2 − ⅜ = 1⅝", "x = 0", "costs",
                  f"a = {a:.0f}", f"z = {z:.0f}",
                  f"{cost:.0f} + {kl:.2f} = {cost + kl:.2f}"):  # fmt: skip
        assert f">{words}<" in markup, words


def test_the_graph_shows_numbers_that_follow():
    markup = latent_plane.two_ways("title").markup
    mu, tau, xi = 1, 0.5, 2
    z = mu + tau * xi
    for words in (f"z = {z:.0f}", f"z² = {z**2:.0f}", f"slope 2z = {2 * z:.0f}",
                  f"4 · 1 = {2 * z * 1:.0f}", f"4 · 2 = {2 * z * xi:.0f}"):  # fmt: skip
        assert f">{words}<" in markup, words
