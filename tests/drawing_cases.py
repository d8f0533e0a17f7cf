"""Whether the words of a drawing can be read: inside its frame, and clear of each other."""

import xml.etree.ElementTree as ET

from backprop.book.figures import svg

TEXT = "{http://www.w3.org/2000/svg}text"


def check_words(markup, wide, *, above=12, below=2):
    """Fail unless every word is inside the frame and none touches another.

    ``wide`` is the width of a letter in units of its size, or a function that gives the width of
    words in these units. A word's foot is at least ``above`` under the upper edge and ``below``
    over the lower one.
    """
    root, boxes = ET.fromstring(markup), []
    height = float(root.get("viewBox").split()[3])
    for word in root.iter(TEXT):
        said = "".join(word.itertext())
        letters = wide(said) if callable(wide) else wide * len(said)
        width = float(word.get("font-size", svg.FONT)) * letters
        x, y = float(word.get("x")), float(word.get("y"))
        anchor = word.get("text-anchor", "middle")
        left = x - {"start": 0, "middle": width / 2, "end": width}[anchor]
        assert 0 <= left and left + width <= svg.WIDTH, said
        assert above <= y <= height - below, said
        boxes.append((left, y - 10, left + width, y + 2, said))
    for k, one in enumerate(boxes):
        for other in boxes[:k]:
            apart = one[2] < other[0] or other[2] < one[0] or one[3] < other[1] or other[3] < one[1]
            assert apart, (one[4], other[4])
