"""A cell's figure in the page itself: with its name, in HTML alone, and only what was drawn so."""

import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
from docutils import nodes
from docutils.utils import new_document

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "book/_ext"))
import inline_figures

DRAWN = f'{inline_figures.MARK} viewBox="0 0 1 1"><title></title><path d="M0 0"/></svg>'


def document(tmp_path, text, alt="A <curve> that rises"):
    (tmp_path / "drawing.svg").write_text(text, encoding="utf-8")
    doctree = new_document("page")
    doctree += nodes.figure("", nodes.image(uri="drawing.svg", alt=alt))
    return doctree


def inlined(tmp_path, doctree, form="html"):
    app = SimpleNamespace(builder=SimpleNamespace(format=form), srcdir=tmp_path)
    inline_figures.inline_figures(app, doctree, "page")
    return [node.astext() for node in doctree.findall(nodes.raw)], list(
        doctree.findall(nodes.image)
    )


def test_the_drawing_takes_the_images_place_and_name(tmp_path):
    raw, images = inlined(tmp_path, document(tmp_path, DRAWN))
    assert images == []
    name = "A &lt;curve&gt; that rises"
    assert raw == [
        f'<svg class="bp-drawn" role="img" aria-label="{name}" viewBox="0 0 1 1">'
        f'<title>{name}</title><path d="M0 0"/></svg>'
    ]


@pytest.mark.parametrize(
    ("text", "form"), [(DRAWN, "latex"), ("<svg><title></title></svg>", "html")]
)
def test_other_builders_and_other_drawings_keep_their_image(tmp_path, text, form):
    raw, images = inlined(tmp_path, document(tmp_path, text), form)
    assert raw == [] and len(images) == 1


def test_an_image_that_is_not_there_is_left_to_sphinx(tmp_path):
    doctree = document(tmp_path, DRAWN)
    (tmp_path / "drawing.svg").unlink()
    assert len(inlined(tmp_path, doctree)[1]) == 1
