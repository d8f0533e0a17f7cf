"""The figures of "Variational autoencoder" show what was computed."""

import numpy as np

from backprop.book.figures import latent_plane
from backprop.layers import Dense

decoder = Dense(2, 64, rng=np.random.default_rng(0))


def test_two_planes_have_their_names_and_share_the_numbers_at_the_left():
    markup = latent_plane.planes({"one": decoder, "two": decoder}, "title").markup
    assert markup.count(">−2<") == 3 and ">one<" in markup and ">two<" in markup


def test_the_graph_shows_numbers_that_follow():
    markup = latent_plane.two_ways("title").markup
    mu, tau, xi = 1, 0.5, 2
    z = mu + tau * xi
    for words in (f"z = {z:.0f}", f"z² = {z**2:.0f}", f"slope 2z = {2 * z:.0f}",
                  f"4 · 1 = {2 * z * 1:.0f}", f"4 · 2 = {2 * z * xi:.0f}"):  # fmt: skip
        assert f">{words}<" in markup, words


def test_variances_are_drawn_with_their_names():
    places = np.array([0.0, 1.0]), np.array([1, 4])
    one = np.ones((3, 2)) * 4
    series = {"a path": (one[0], one[0]), "a score": (9 * one[0], 9 * one[0]),
              "a third": (3 * one[0], 3 * one[0])}  # fmt: skip
    runs = {name: (np.tile(v[0], (3, 1)), np.tile(v[1], (3, 1))) for name, v in series.items()}
    markup = latent_plane.variances(series, runs, places, "title").markup
    assert all(name in markup for name in series) and len(markup) < 150_000


def test_shares_are_drawn_with_their_names():
    runs = np.array([40.0, 50, 60])
    rows = {name: {"own": runs, "one": runs / 2, "ten": runs + 9} for name in ("a row", "b row")}
    limits = {"least of all": 20.0, "most of all": 80.0}
    markup = latent_plane.shares({"8 of them": rows, "2 of them": rows}, limits, "title").markup
    for words in (*rows, *limits, "8 of them", "2 of them", "own", "one", "ten"):
        assert words in markup
    assert len(markup) < 150_000


def test_clouds_stand_where_the_encoder_says():
    def clouds(reach):
        mean, tau = np.array([[1.0, -1], [0, 0]]), np.array([[0.5, 0.25], [1e-4, 1e-4]])
        more = np.array([[0.0, 0], [99, 0]])
        return latent_plane.Clouds(mean, tau, mean + tau, more, (0.0, 0.0), reach)

    images = np.eye(64)[:2]
    given = {"both": clouds(2.0), "pixels": clouds(5.0), "divergence": clouds(5.0)}
    markup = latent_plane.two_forces(images, images, given, ("7", "8"), "title").markup
    # 42.5 a unit in the plane above, whose middle is (210, 111), and 10 in those below.
    assert '<ellipse cx="252.5" cy="153.5" rx="42.5" ry="21.3"' in markup
    assert '<ellipse cx="74.0" cy="268.0" rx="10.0" ry="5.0"' in markup
    assert markup.count("<ellipse") == 6 and markup.count('rx="2.0"') == 3
    assert markup.count(">7<") == 2 and markup.count('r="1.3"') == 3, "99 lies outside"
    assert ">apart,<" in markup and ">wide<" in markup
