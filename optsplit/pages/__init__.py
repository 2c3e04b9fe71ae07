"""Pages: a result as one HTML file that needs no network, no server and no other file.

Its numbers come from `optsplit.report`, its pictures from `optsplit.plots`; a slider over bandwidth, or over the time
of an upload, moves the cut.
"""

from __future__ import annotations

from optsplit.pages.kinds import Found, content
from optsplit.pages.render import html, need_jinja2

__all__ = ["content", "html", "need_jinja2", "page"]


def page(found: Found, source: str = "result.json", problem: str | None = None) -> str:
    """One self-contained page of HTML.

    Parameters
    ----------
    found
        A result with its problem, from `optsplit.solve` or `Result.load`; a front; or results of one problem, as from
        `optsplit.compare`.
    source
        Name of the file that it is saved in, for the commands that the page prints.
    problem
        Name of the problem's own file, where `source` does not hold it.

    Raises
    ------
    InvalidInput
        A result without its problem, or whose plan is not one of this problem.
    MissingDependency
        jinja2 or matplotlib is not installed.
    """
    return html(content(found, source, problem))
