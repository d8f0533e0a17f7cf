"""A pytest plugin that shows a failure when it happens, and not a second time at the end."""

from __future__ import annotations

from collections.abc import Iterator

import pytest


class InstantFailures:
    """Writes what pytest would write under FAILURES and ERRORS, at once."""

    def __init__(self, config: pytest.Config) -> None:
        self.config = config

    @pytest.hookimpl(trylast=True)
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Show a test's failure, or its fixtures'."""
        if report.failed:
            where = "" if report.when == "call" else f" ({report.when})"
            self.show(report, f"FAILED {report.nodeid}{where}")

    @pytest.hookimpl(trylast=True)
    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """Show a file that could not be read."""
        if report.failed:
            self.show(report, f"FAILED to collect {report.nodeid}")

    def show(self, report: pytest.TestReport | pytest.CollectReport, title: str) -> None:
        """Write the title, the traceback and what was captured."""
        writer = self.config.get_terminal_writer()
        writer.line()
        writer.sep("_", title, red=True)
        report.toterminal(writer)
        for name, text in report.sections:
            writer.sep("-", name)
            writer.line(text.rstrip())
        writer.line()
        writer.flush()

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_terminal_summary(self) -> Iterator[None]:
        """Have the summary leave the tracebacks out."""
        style, self.config.option.tbstyle = self.config.option.tbstyle, "no"
        yield
        self.config.option.tbstyle = style


def pytest_configure(config: pytest.Config) -> None:
    # With xdist the reports arrive where the terminal is; the workers have none.
    if not hasattr(config, "workerinput"):
        config.pluginmanager.register(InstantFailures(config))
