"""What a page costs a slow reader's computer, beside pages of other books.

Each page is opened in headless Chromium with a CPU slowed down four times, in a profile of its own,
from a server on this machine: what is measured is the weight and the work, not the line. Rounds
take turns as in the other benchmarks. Run, after ``make book``:
``python benchmarks/pages.py [TITLE=FOLDER:PAGE ...]``; without pages, three chapters of this book.
``--mirror ADDRESS=FOLDER`` serves what a page asks of another host from a folder of this machine;
a page that asks none is left to the browser alone, which is faster.
"""

from __future__ import annotations

import argparse
import json
import sys
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path
from typing import Any

from _measure import Table, middle
from playwright.sync_api import Browser, Route, sync_playwright

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tools"))
from browsing import ARGUMENTS, MISSING, OBSERVE, READY, chromium, served, weights  # noqa: E402

SITE = ROOT / "_build/html"
CHAPTERS = (
    "part1-idea/chain-rule",
    "part2-algorithm/gradient-checking",
    "part4-architectures/attention",
)
SLOWER = 4
TOLD = """() => {
  const {domContentLoadedEventEnd} = performance.getEntriesByType('navigation')[0];
  return {
    ready: domContentLoadedEventEnd / 1000, shift: seen.shift, tasks: seen.tasks,
    formulas: document.querySelectorAll('.katex, mjx-container').length,
  };
}"""
MEASURES = {
    "kB": "{:.0f}", "files": "{:.0f}", "ready": "{:.2f}", "longest": "{:.2f}", "busy": "{:.2f}",
    "shift": "{:.3f}", "formulas": "{:.0f}",
}  # fmt: skip


class Elsewhere:
    """Answers what a page asks of other hosts, and notes what no mirror has.

    Attributes
    ----------
    asked : set of str
        The pages that have asked another host.
    missing : set of str
        The addresses that could not be answered.
    """

    def __init__(self, mirrors: dict[str, Path]) -> None:
        self.mirrors = mirrors
        self.asked: set[str] = set()
        self.missing: set[str] = set()

    def answer(self, route: Route, base: str, page: str) -> None:
        """Answer from a mirror, or break off."""
        url = route.request.url.partition("?")[0]
        if url.startswith((base, "data:", "blob:")):
            route.continue_()
            return
        self.asked.add(page)
        for address, folder in self.mirrors.items():
            path = folder / url.removeprefix(address).lstrip("/")
            if url.startswith(address) and path.is_file():
                route.fulfill(path=path, headers={"access-control-allow-origin": "*"})
                return
        self.missing.add(url)
        route.abort()


def visit(
    browser: Browser, base: str, page: str, elsewhere: Elsewhere, first: bool
) -> dict[str, float]:
    """Open a page on a slow computer, wait until it rests, and return what it took."""
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    context.add_init_script(OBSERVE)
    if first or base + page in elsewhere.asked:
        context.route("**/*", lambda route: elsewhere.answer(route, base, base + page))
    tab = context.new_page()
    context.new_cdp_session(tab).send("Emulation.setCPUThrottlingRate", {"rate": SLOWER})
    answers: list[Any] = []
    tab.on("response", lambda answer: answers.append(answer))
    tab.goto(base + page, wait_until="load", timeout=120_000)
    tab.wait_for_load_state("networkidle", timeout=120_000)
    tab.wait_for_function(READY, timeout=60_000)
    tab.wait_for_timeout(3000)
    told = tab.evaluate(TOLD)
    weight = sum(weights(answers).values())
    context.close()
    tasks = told["tasks"]
    return {
        "kB": weight / 1000, "files": len(answers), "ready": told["ready"],
        "longest": max(tasks, default=0) / 1000, "busy": sum(tasks) / 1000,
        "shift": told["shift"], "formulas": told["formulas"],
    }  # fmt: skip


def measure(pages: dict[str, tuple[Path, str]], mirrors: dict[str, Path], rounds: int) -> Table:
    """Visit every page once a round, after a round that is not counted."""
    path = chromium()
    if not path:
        raise SystemExit(MISSING)
    seen: dict[str, list[dict[str, float]]] = {title: [] for title in pages}
    elsewhere = Elsewhere(mirrors)
    with ExitStack() as stack, sync_playwright() as playwright:
        folders = {folder for folder, _ in pages.values()}
        bases = {folder: stack.enter_context(served(folder)) for folder in folders}
        browser = playwright.chromium.launch(executable_path=path, args=ARGUMENTS)
        titles = list(pages)
        for number in range(-1, rounds):
            shift = number % len(titles)
            for title in titles[shift:] + titles[:shift]:
                folder, page = pages[title]
                got = visit(browser, bases[folder], page, elsewhere, number < 0)
                if number >= 0:
                    seen[title].append(got)
        browser.close()
    rows = []
    for title, visits in seen.items():
        cells = []
        for name, form in MEASURES.items():
            median, low, high = middle([one[name] for one in visits])
            shown = form.format(median)
            spread = f" ({form.format(low)}–{form.format(high)})" if low != high else ""
            cells.append(shown + spread)
        rows.append([title, *cells])
    header = [
        "page", "kB compressed", "files", "DOM ready, s", "longest task, s", "tasks > 50 ms, s",
        "layout shift", "formulas",
    ]  # fmt: skip
    text = (
        f"Headless Chromium, CPU slowed down {SLOWER} times, empty cache, server on this machine;"
        f" median (quartiles) of {rounds} rounds in which the pages take turns."
    )
    notes = [f"Left out, being of another host: {url}" for url in sorted(elsewhere.missing)]
    data = [{"page": title, "visits": visits} for title, visits in seen.items()]
    return Table("What a page costs", text, header, rows, data, notes)


def main() -> None:
    """Measure the pages that the command line names."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("pages", nargs="*", metavar="TITLE=FOLDER:PAGE")
    parser.add_argument("--mirror", action="append", default=[], metavar="ADDRESS=FOLDER")
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--json", type=Path, help="write the table there as well")
    given = parser.parse_args()
    named = given.pages or [f"{name}={SITE}:book/{name}.html" for name in CHAPTERS]
    pages = {}
    for one in named:
        title, _, place = one.partition("=")
        folder, _, page = place.rpartition(":")
        if not (Path(folder) / page).is_file():
            parser.error(f"{one}: there is no {page} in {folder or 'no folder'}")
        pages[title] = (Path(folder), page)
    mirrors = {}
    for one in given.mirror:
        address, _, folder = one.rpartition("=")
        mirrors[address] = Path(folder)
    table = measure(pages, mirrors, given.rounds)
    print(table.markdown())
    if given.json:
        given.json.write_text(json.dumps(asdict(table)))


if __name__ == "__main__":
    main()
