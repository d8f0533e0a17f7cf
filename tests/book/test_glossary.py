"""Every term of the glossary has a Chinese name and one sentence, and is a term of the book."""

import re
import sys
from pathlib import Path

import nbformat
import pytest
from sphinx_project import EXTENSIONS

sys.path.insert(0, str(EXTENSIONS))
from glossary_links import pattern

BOOK = Path(__file__).resolve().parents[2] / "book"
FENCE = re.MULTILINE | re.DOTALL
CJK = r"[\u4e00-\u9fff]"


def entries(text):
    """Return pairs of the headwords and the definition, as the directive has them."""
    body = re.search(r"```\{glossary\}\n(.*?)\n```", text, re.S)[1]
    out = []
    for block in body.split("\n\n"):
        lines = block.split("\n")
        headwords = [line for line in lines if not line.startswith(" ")]
        out.append((headwords, " ".join(line.strip() for line in lines[len(headwords) :])))
    return out


ENTRIES = entries((BOOK / "appendices/glossary.md").read_text(encoding="utf-8"))
TERMS = [term for headwords, _ in ENTRIES for term in headwords]


def faults(definition):
    """Say what is wrong with a definition; its last words are the Chinese name."""
    found = []
    if not (name := re.search(r" \(([^()]+)\)\.$", definition)) or not re.search(CJK, name[1]):
        found.append("does not end in a Chinese name in parentheses and a full stop")
    words = re.sub(r"\$[^$]*\$", "formula", definition)
    if re.search(r"[.!?;](?=\s)", words) or words.count(".") != 1:
        found.append("is not one sentence")
    if not re.match(r"[A-Z]", words):
        found.append("does not begin with a capital")
    if re.search(CJK, re.sub(r" \([^()]+\)\.$", "", definition)):
        found.append("has Chinese elsewhere")
    return found


def test_each_definition_is_one_sentence_with_a_chinese_name():
    assert {words[0]: faults(text) for words, text in ENTRIES if faults(text)} == {}


@pytest.mark.parametrize(
    "wrong",
    [
        "A number (数). It is small.", "A number.", "A number (shu).", "a number (数).",
        "A 数 is a number (数).", "A number; a small one (数).", "",
    ],
)  # fmt: skip
def test_the_check_sees_a_wrong_definition(wrong):
    assert faults(wrong)
    assert not faults("A number, such as $1.5$ (数).")


def test_terms_are_sorted_and_none_stands_twice():
    assert len(ENTRIES) >= 70
    first = [headwords[0].lower() for headwords, _ in ENTRIES]
    assert first == sorted(first)
    lower = [term.lower() for term in TERMS]
    assert len(set(lower)) == len(lower)
    # The plural of one would be linked to another.
    assert not {f"{term}s" for term in lower} & set(lower)
    chinese = [re.search(r"\(([^()]+)\)\.$", text)[1] for _, text in ENTRIES]
    assert len(set(chinese)) == len(chinese)


def prose():
    for path in BOOK.glob("part*/*.ipynb"):
        for cell in nbformat.read(path, as_version=4).cells:
            if cell.cell_type == "markdown":
                # What a fold holds is prose; what other fences hold is not.
                opened = re.sub(
                    r"^(`{3,})\{dropdown\}[^\n]*\n(.*?)^\1$", r"\2", cell.source, flags=FENCE
                )
                blocks = re.sub(r"^```.*?^```", "", opened, flags=FENCE)
                yield re.sub(r"\$[^$]*\$|`[^`]*`", " ", blocks)


def test_each_term_occurs_in_some_chapter():
    text = " ".join(prose())
    # Each by itself: beside a longer term that contains it, a term would seem absent.
    missing = [term for term in TERMS if not pattern({term: None}).search(text)]
    assert not missing, missing
