"""What a page holds, as plain data, before it is HTML."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

Facts = Sequence[tuple[str, str]]
"""Pairs (name, text)."""


@dataclass(frozen=True)
class Table:
    """A title over columns of texts, then columns of numbers.

    Parameters
    ----------
    title
        Above it.
    left, right
        Names of the columns, texts and then numbers.
    rows
        One text for each column.
    folded
        Shown only when asked for, since it is long.
    """

    title: str
    left: Sequence[str]
    right: Sequence[str]
    rows: Sequence[Sequence[str]]
    folded: bool = False


@dataclass(frozen=True)
class Picture:
    """A picture of `optsplit.plots`: what it shows, and a function that draws it on axes; inches."""

    title: str
    draw: Callable[[Any], Any]
    width: float = 6.6
    height: float = 2.6


@dataclass(frozen=True)
class Content:
    """A page.

    Parameters
    ----------
    title, answer
        The problem's name, and the answer in one sentence.
    status
        A word or two.
    question
        What was asked.
    numbers
        What was found, and how good it provably is.
    pictures, tables
        In the order shown.
    sliders
        "bandwidth" and "upload" -> data for the script of that name.
    without
        Why there is no slider; empty where there is one.
    provenance, again
        How it was obtained, and commands that obtain it again.
    """

    title: str
    answer: str
    status: str = ""
    question: Facts = ()
    numbers: Facts = ()
    pictures: Sequence[Picture] = ()
    tables: Sequence[Table] = ()
    sliders: dict[str, Any] = field(default_factory=dict)
    without: str = ""
    provenance: Facts = ()
    again: str = ""
