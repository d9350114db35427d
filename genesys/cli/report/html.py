"""What the pages of the command line share: templates that escape, scripts with their hashes."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from importlib import resources
from typing import TYPE_CHECKING, Any

from genesys.text import clean

if TYPE_CHECKING:
    from jinja2 import Environment


def page(template: str, figures: Mapping[str, Any], **values: object) -> str:
    """A page as HTML that needs nothing else.

    Args:
        template: Name of its template in this package.
        figures: Plotly's, by the id of the element that they are drawn in.
        values: What else the template takes.
    """
    from plotly.offline import get_plotlyjs

    scripts = {"plotly": get_plotlyjs(), "page": _asset("page.js")}
    return (
        _environment()
        .get_template(template)
        .render(
            figures=figures,
            style=_asset("page.css"),
            scripts=scripts,
            hashes=[_hash(script) for script in scripts.values()],
            **values,
        )
    )


def _environment() -> Environment:
    from jinja2 import Environment, StrictUndefined

    from genesys.cli.efficiency import lines
    from genesys.cli.leaderboard import accuracy, descent, number
    from genesys.cli.text import count, duration, gist

    environment = Environment(
        loader=_loader(),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        # Whatever a template prints and nobody marked as HTML is cleaned, then escaped.
        finalize=lambda value: clean(value) if type(value) is str else value,
    )
    filters = {
        "count": count,
        "duration": duration,
        "gist": gist,
        "number": number,
        "accuracy": accuracy,
        "efficiency": lines,
    }
    environment.filters.update(filters)
    environment.globals["descent"] = descent
    return environment


def _loader() -> Any:
    from jinja2 import FunctionLoader

    return FunctionLoader(_asset)


def _asset(name: str) -> str:
    return resources.files(__package__).joinpath(name).read_text("utf-8")


def _hash(script: str) -> str:
    """The script's source expression for the content security policy."""
    digest = hashlib.sha256(script.encode("utf-8")).digest()
    return f"'sha256-{base64.b64encode(digest).decode('ascii')}'"
