"""``genesys show session:N``: what was said in a session, as a conversation, and what was found."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.rule import Rule
from rich.text import Text

from genesys.cli.cost import in_words, tokens
from genesys.cli.leaderboard import descent
from genesys.cli.searches import found_in, searches
from genesys.cli.text import duration, plain, usd
from genesys.errors import UnknownNameError
from genesys.population.population import Population
from genesys.population.spending import Spending
from genesys.records import Operator, Session
from genesys.tape import Call, CallEnd, Message
from genesys.text import one_line

PREFIX = "session:"  # no design is called so: names have no colon


def show_session(
    run: Path, name: str, as_json: bool = False, console: Console | None = None
) -> None:
    """Print what was said in a session, and what its searches found.

    Args:
        run: The run's folder.
        name: ``session:`` with its index.
        as_json: Print the session and its calls as one JSON object instead.
        console: Where to print; standard output when not given.

    Raises:
        StoreError: The folder holds no run.
        UnknownNameError: There is no such session.
    """
    from genesys.population.evolution_tree import EvolutionTree

    population = EvolutionTree.read(run)
    number = name.removeprefix(PREFIX)
    index = int(number) if number.isdecimal() else -1
    calls, answers = EvolutionTree.read_tape(run, index)
    found = found_in(answers)
    session = next((s for s in population.sessions if s.index == index), None)
    if session is None and not calls and not found:
        hint = "Write it as session:0 for the first."
        raise UnknownNameError("session", number, [str(s.index) for s in population.sessions], hint)
    console = console or Console()
    if as_json:
        data = {
            "session": session.model_dump(mode="json") if session else None,
            "cost": asdict(Spending.read(run).of_session(index)),
            "calls": [call.model_dump(mode="json") for call in calls],
            "searches": [search.model_dump(mode="json") for search in found],
            "references": sorted(_used(population, session)),
        }
        # ASCII only: what a model said cannot reach the terminal as it is.
        console.out(json.dumps(data, indent=2), highlight=False)
    else:
        console.print(conversation(population, session, index, calls))
        if found:
            console.print(searches(found, _used(population, session)))
        console.print(Text(in_words(Spending.read(run).of_session(index)), "dim"), soft_wrap=True)


def _used(population: Population, session: Session | None) -> set[str]:
    """Ids of what the session's proposal relies on."""
    if session is None:
        return set()
    proposal = population.design(session.design).proposal if session.design else session.proposal
    return {reference.id for reference in proposal.references} if proposal else set()


def conversation(
    population: Population, session: Session | None, index: int, calls: list[Call]
) -> RenderableType:
    """A session as a person reads it: of each call what was new in it, and the answer."""
    head = Text.assemble((f"session {index}", "bold magenta"), "  ")
    head.append("under way" if session is None else _outcome(session))
    if not calls:
        return Group(head, Text("\nNo language model was called.", "dim"))
    said: dict[str, set[tuple[str, str]]] = {}
    parts = [part for call in calls for part in _turn(call, said.setdefault(call.role, set()))]
    return Group(head, *parts, Text())


def _outcome(session: Session) -> str:
    how = descent(session.selection.operator, session.selection.designs)
    if session.selection.operator is Operator.SCRATCH:
        how = "a design from scratch"
    end = session.design or session.end.value.replace("_", " ")
    note = f": {one_line(session.note, 400)}" if session.note else ""
    return f"{how} → {end}{note} ({duration(session.seconds)})"


def _turn(call: Call, said: set[tuple[str, str]]) -> Iterator[RenderableType]:
    """One call; ``said`` is what its role was told and has answered before."""
    yield Text()
    yield Rule(_title(call), align="left", style="dim")
    yield Text(_figures(call), "dim")
    for message in call.messages:
        if (message.author, message.text) not in said:
            yield _message(message)
    said.update((message.author, message.text) for message in call.messages)
    if call.error:
        yield plain(f"{call.end.value.replace('_', ' ')}: {one_line(call.error, 500)}", "red")
    if call.answer and call.end is CallEnd.ANSWERED:
        said.add(("assistant", call.answer))
        yield _message(Message(author=call.role, text=call.answer), "")


def _title(call: Call) -> Text:
    title = Text(one_line(call.role, 40), "bold")
    return title.append(f"  {one_line(call.task)}", "cyan")


def _figures(call: Call) -> str:
    return f"{one_line(call.model, 80)}, {tokens(call)}, {duration(call.seconds)}, {usd(call.usd)}"


def _message(message: Message, style: str = "dim") -> RenderableType:
    author = Text(f"{one_line(message.author, 40)}:", "bold")
    return Group(author, Padding(plain(message.text.strip(), style), (0, 0, 0, 2), expand=False))
