"""Say a proverb."""

from typing import Annotated

import typer

app = typer.Typer()


@app.command()
def proverb(loud: Annotated[bool, typer.Option("--loud", help="In capitals.")] = False) -> None:
    """Say a proverb."""
    text = "Measure twice, train once."
    typer.echo(text.upper() if loud else text)
