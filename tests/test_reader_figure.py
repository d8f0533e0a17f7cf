"""The sentence that a reader walks along: what Python says first is what the script would say."""

import json
import re
import shutil
import subprocess
from html import unescape
from pathlib import Path

import pytest

from backprop.book import reading
from backprop.book.figures import reader
from backprop.book.figures.reader import Reader

SCRIPT = Path(reader.__file__).with_suffix(".js")
DATA = reading.stored()["long"]


def markup(start, data=DATA):
    return Reader("x", data, start, "A & B")._repr_html_()


def test_the_first_letter_is_whole_without_the_script():
    html = markup(45)
    assert html.count('class="bp-letter') == len(DATA["text"])
    assert html.count("bp-letter bp-next") == 1 and 'aria-label="A &amp; B"' in html
    assert html.count("bp-letter bp-later") == len(DATA["text"]) - 46
    assert html.count("<li") == 4 * reading.TOP
    assert 'class="bp-controls" hidden' in html
    text = re.search(r'<p class="bp-text">(.*?)</p>', html)[1]
    assert unescape(re.sub(r"<[^>]*>", "", text)) == DATA["text"]


@pytest.mark.parametrize("start", [0, 1, 24, 45, len(DATA["text"]) - 1])
def test_what_python_says_is_what_the_script_says(start):
    node = shutil.which("node")
    if node is None:
        pytest.skip("Node.js is not here")
    ask = (
        f"import {{ expected, percent, shades, words }} from {json.dumps(SCRIPT.as_uri())};"
        f"const data = {json.dumps(DATA)}, k = {start};"
        "console.log(JSON.stringify({ words: words(data, k), shades: shades(data, k, 'error'),"
        " models: expected(data, k).map((m) => m.rows.map((r) =>"
        " [r.letter, percent(r.p), r.came])) }));"
    )
    run = subprocess.run(
        [node, "--input-type=module", "-e", ask], capture_output=True, text=True, check=True
    )
    told = json.loads(run.stdout)
    figure, html = Reader("x", DATA, start, "t"), markup(start)
    assert told["words"] == figure.sentence()
    shown = re.findall(r'--shade: ([\d.]+)"', html)
    assert [float(s) for s in shown[:start]] == pytest.approx(told["shades"], abs=0.001)
    assert set(shown[start:]) <= {"0"}
    items = re.findall(
        r'<li( class=bp-came)?><span class="bp-name">(.*?)</span>.*?'
        r'"bp-percent">(.*?)</span>', html
    )  # fmt: skip
    mine = [[unescape(letter), p, bool(came)] for came, letter, p in items]
    assert mine == [row for model in told["models"] for row in model]


def test_numbers_are_written_for_the_eye():
    assert [reader.percent(p) for p in (1, 0.126, 0.0095, 0.0094, 0.001, 0.0009)] == [
        "100 %", "13 %", "1 %", "0.9 %", "0.1 %", "≤ 0.1 %",
    ]  # fmt: skip
    assert [reader.bits(p) for p in (1, 0.5, 0.1)] == ["0.0", "1.0", "3.3"]
    assert [reader.named(letter) for letter in "a \n"] == ["a", "space", "new line"]


def test_wrong_arguments_are_named():
    with pytest.raises(ValueError, match="Reader: start is 51, expected 0 to 50"):
        Reader("x", DATA, 51, "t")
    with pytest.raises(ValueError, match="Reader: name is 'a b'"):
        Reader("a b", DATA, 0, "t")
    assert repr(Reader("x", DATA, 0, "t")) == "Reader('x', 51 letters)"
