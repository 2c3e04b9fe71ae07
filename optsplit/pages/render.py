"""From content to HTML: one template, one style sheet and the scripts, all inside the page."""

from __future__ import annotations

import base64
import hashlib
import re
from functools import cache
from importlib.resources import files
from typing import Any

from optsplit.errors import InvalidInput, MissingDependency
from optsplit.pages.content import Content
from optsplit.plots.svg import svg

_MISSING = 'is not installed; pip install "optsplit[report]"'
_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")


def need_jinja2() -> None:
    """Raise `MissingDependency` where what a page is made with is not installed."""
    try:
        import jinja2  # noqa: F401
    except ImportError as error:
        raise MissingDependency(f"jinja2 {_MISSING}") from error
    try:
        import matplotlib  # noqa: F401
    except ImportError as error:
        raise MissingDependency(f"matplotlib {_MISSING}") from error


@cache
def _text(name: str) -> str:
    return (files("optsplit.pages") / name).read_text(encoding="utf-8")


def _hash(script: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()


def html(content: Content) -> str:
    """The page of some content.

    Raises
    ------
    MissingDependency
        jinja2 or matplotlib is not installed.
    """
    need_jinja2()
    import jinja2
    from markupsafe import Markup

    scripts = [_text(f"{name}.js") for name in ("network", *content.sliders)] if content.sliders else []
    pictures = []
    for k, picture in enumerate(content.pictures):
        try:
            drawn = Markup(svg(picture.draw, f"p{k}-", picture.title, picture.width, picture.height))
        except InvalidInput as error:  # what cannot be drawn says why; the numbers are no less true
            drawn = Markup("<p>{}</p>").format(str(error))
        pictures.append((picture.title, drawn))
    environment = jinja2.Environment(
        autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True, finalize=_clean
    )
    environment.policies["json.dumps_kwargs"] = {"sort_keys": False, "separators": (",", ":")}
    # only the scripts of this package run, whatever a name on the page says
    policy = "default-src 'none'; img-src data:; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"
    allowed = " ".join(f"'{_hash(script)}'" for script in scripts)
    return environment.from_string(_text("page.html")).render(
        content=content, pictures=pictures, style=Markup(_text("page.css")),
        scripts=[Markup(script) for script in scripts],
        policy=policy + (f"; script-src {allowed}" if allowed else ""),
    )  # fmt: skip


def _clean(value: Any) -> Any:
    """Texts without the control characters that HTML cannot hold; what is marked safe stays as it is."""
    return _CONTROL.sub("\ufffd", value) if type(value) is str else value
