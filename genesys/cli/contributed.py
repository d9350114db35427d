"""Commands of plugin packages: listed by their entry points, imported when they are called."""

from __future__ import annotations

import ast
from importlib.metadata import EntryPoint, entry_points
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup

from genesys.errors import ConfigError, PluginError
from genesys.packages import imported
from genesys.text import one_line

GROUP = "genesys.commands"


class Commands(TyperGroup):
    """The core's commands, then those of plugin packages, which cannot take the core's names."""

    def list_commands(self, ctx: Any) -> list[str]:
        """Names only; nothing is imported."""
        own = super().list_commands(ctx)
        return [*own, *sorted({point.name for point in entry_points(group=GROUP)} - set(own))]

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """The command, or what stands for it until it is called."""
        points = [point for point in entry_points(group=GROUP) if point.name == cmd_name]
        return super().get_command(ctx, cmd_name) or (Contributed(points) if points else None)

    def resolve_command(self, ctx: Any, args: list[str]) -> tuple[str | None, Any, list[str]]:
        """The command that is called."""
        name, command, rest = super().resolve_command(ctx, args)
        return name, command.load() if isinstance(command, Contributed) else command, rest


class Contributed(TyperCommand):
    """Stands for a command that is not imported.

    Args:
        points: All entry points of its name.
    """

    def __init__(self, points: list[EntryPoint]) -> None:
        super().__init__(name=points[0].name, help=_first_line(points[0]))
        self._points = points

    def load(self) -> Any:
        """Import the command.

        Raises:
            ConfigError: Several packages offer one of that name.
            PluginError: It cannot be imported, or is no Typer app.
        """
        point = self._points[0]
        if len({other.value for other in self._points}) > 1:
            owners = " and ".join(sorted({_owner(other) for other in self._points}))
            raise ConfigError(f"{owners} each offer a command {point.name!r}; uninstall one.")
        app = imported(point, f"Command {point.name!r} of {_owner(point)}")
        if not isinstance(app, typer.Typer):
            raise PluginError(f"Command {point.name!r}: {point.value!r} is no typer.Typer.")
        return typer.main.get_command(app)


def _owner(point: EntryPoint) -> str:
    return f"{point.dist.name} {point.dist.version}" if point.dist else "an unknown package"


def _first_line(point: EntryPoint) -> str:
    """Of the module's docstring, which is read and not run."""
    try:
        spec = find_spec(point.module)
        source = Path(spec.origin).read_text("utf-8") if spec and spec.origin else ""
        docstring = ast.get_docstring(ast.parse(source)) or ""
    except Exception:  # of a package that a light command must not stumble over
        docstring = ""
    return one_line(docstring.partition("\n")[0]) or f"Of {_owner(point)}."
