"""``genesys show``: all there is to know of one design."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

from rich.console import Console, Group, RenderableType
from rich.markdown import Markdown
from rich.padding import Padding
from rich.rule import Rule
from rich.syntax import Syntax
from rich.table import Table
from rich.text import Text

from genesys.cli.cost import in_words
from genesys.cli.findings import findings
from genesys.cli.leaderboard import descent
from genesys.cli.lineage import offspring, origins, outline
from genesys.cli.scores import scores
from genesys.cli.text import plain
from genesys.cli.why import section, why_here
from genesys.errors import UnknownNameError
from genesys.evolution.provenance import Provenance
from genesys.population.population import Population
from genesys.population.scaling import ScalingFit
from genesys.population.spending import Spending, Spent
from genesys.records import Design, VerificationReport
from genesys.text import clean, one_line


def show(
    run: Path,
    design: str,
    code: bool = False,
    unit: str = "",
    as_json: bool = False,
    console: Console | None = None,
) -> None:
    """Print a design of a run: tree, proposal, parents, checks, reports and, if wanted, code.

    Args:
        run: The run's folder.
        design: Name of the design.
        code: Print the code of all units.
        unit: Print the code of this unit.
        as_json: Print everything as one JSON object instead.
        console: Where to print; standard output when not given.

    Raises:
        StoreError: The folder holds no run.
        UnknownNameError: There is no such design or unit.
    """
    from genesys.population.evolution_tree import EvolutionTree

    console = console or Console()
    population = EvolutionTree.read(run)
    spent = _cost(run, population, design)
    why = why_here(run, population, design)
    if as_json:
        console.out(as_json_text(population, design, spent, why), highlight=False)
    else:
        console.print(describe(population, design, code=code, unit=unit, spent=spent, why=why))


def as_json_text(
    population: Population,
    name: str,
    spent: Spent | None = None,
    why: Provenance | None = None,
) -> str:
    """The design, its children's names, its reports, its cost and why it is here, as one object."""
    data = {
        "design": population.design(name).model_dump(mode="json"),
        "fitness": population.fitness(name),
        "forecast": ScalingFit(population.reports).forecast(name).model_dump(mode="json"),
        "fitness_interval": _interval(population, name),
        "children": offspring(population, name),
        "reports": [r.model_dump(mode="json") for r in population.reports_of(name)],
        "session": _session_of(population, name),
        "cost": asdict(spent) if spent else None,
        "why": why.model_dump(mode="json") if why else None,
    }
    return json.dumps(data, indent=2)


def describe(
    population: Population,
    name: str,
    code: bool = False,
    unit: str = "",
    spent: Spent | None = None,
    why: Provenance | None = None,
) -> RenderableType:
    """The design as a person reads it.

    Args:
        population: Has it.
        name: Of the design.
        code: Show the code of all units.
        unit: Show the code of this unit, and nothing else.
        spent: What its session cost.
        why: Why it is here; None outside a run.

    Raises:
        UnknownNameError: There is no such design or unit.
    """
    design = population.design(name)
    names = [u.name for u in design.units]
    if unit and unit not in names:
        raise UnknownNameError("unit", unit, names)
    shown = [u for u in design.units if code or u.name == unit]
    if unit and not code:
        return _code(shown[0].name, shown[0].code)
    return Group(
        _head(population, design),
        *(_section("Why it is here", section(population, design, why)) if why else ()),
        *_section("Tree", _units(population, design)),
        *_proposal(design),
        *(_section("Checks", findings(design.check, design)) if design.check else ()),
        *_reports(population.reports_of(name)),
        *_forecast(population, name),
        *_spent(population, name, spent),
        *(_code(u.name, u.code) for u in shown),
        *([] if code else [Text("\nSource: --code for all units, --unit NAME for one.", "dim")]),
    )


def _section(title: str, *content: RenderableType) -> list[RenderableType]:
    return [Text(), Rule(Text(title, "bold"), align="left", style="dim"), *content]


def _head(population: Population, design: Design) -> RenderableType:
    text = Text.assemble((design.name, "bold magenta"), "  ")
    text.append(descent(design.operator, design.parents))
    fitness = population.fitness(design.name)
    if fitness is not None:
        scales = population.confidence(design.name)
        text.append(f"\nfitness {fitness:.3f} over {scales} verified scale{'s' * (scales > 1)}")
        if interval := _interval(population, design.name):
            text.append(f", 95% interval {interval[0]:.3f} to {interval[1]:.3f}")
    if children := offspring(population, design.name):
        text.append(f"\nparent of {', '.join(children)}")
    if design.proposal:
        text.append(f"\n{one_line(design.proposal.abstract, 400)}", "italic")
    return text


def _session_of(population: Population, name: str) -> int | None:
    return next((s.index for s in population.sessions if s.design == name), None)


def _cost(run: Path, population: Population, name: str) -> Spent | None:
    """What a design's session cost; None for seeds, and where no language model was called."""
    index = _session_of(population, name)
    spent = None if index is None else Spending.read(run).of_session(index)
    return spent if spent and spent.tries else None


def _spent(population: Population, name: str, spent: Spent | None) -> list[RenderableType]:
    if spent is None:
        return []
    return _section(f"Cost of session:{_session_of(population, name)}", Text(in_words(spent)))


def _interval(population: Population, name: str) -> tuple[float, float] | None:
    fitness, error = population.fitness(name), population.fitness_error(name)
    return None if fitness is None or error is None else error.around(fitness)


def _units(population: Population, design: Design) -> RenderableType:
    table = Table.grid(padding=(0, 3, 0, 0))
    table.add_column(no_wrap=True)
    table.add_column(no_wrap=True, justify="right", style="dim")
    table.add_column(no_wrap=True)
    source = origins(population, design)
    for unit in design.units:
        kept = (
            Text(f"from {source[unit.name]}", "dim") if source[unit.name] else Text("new", "green")
        )
        lines = unit.code.count("\n") + 1
        table.add_row(unit.name, f"{lines} lines", kept if design.parents else "")
    arguments = ", ".join(f"{a.name}={one_line(a.json_value, 60)}" for a in design.args)
    parts: list[RenderableType] = [plain(outline(design)), Text(), table]
    if arguments:
        parts.append(Text(f"\narguments {arguments}", "dim"))
    return Group(*parts)


def _proposal(design: Design) -> list[RenderableType]:
    parts = []
    if design.proposal:
        parts += _section("Proposal", _markdown(design.proposal.document))
    if design.review:
        title = f"Review: {design.review.rating:g} of 5"
        parts += _section(title, _markdown(design.review.text))
    return parts


def _markdown(text: str) -> RenderableType:
    # Without hyperlinks, so that what a person sees of an address is where it leads.
    return Padding(Markdown(clean(text), hyperlinks=False), (0, 2))


def _reports(reports: list[VerificationReport]) -> list[RenderableType]:
    if not reports:
        return _section("Reports", Text("Not verified yet.", "dim"))
    return _section("Reports", *(scores(report) for report in reports))


def _forecast(population: Population, name: str) -> list[RenderableType]:
    fit = ScalingFit(population.reports)
    if not fit.rungs(name):
        return []
    found = fit.forecast(name)
    parts: list[RenderableType] = [plain(found.basis, "dim")]
    if found.value is not None:
        value = Text.assemble((clean(found.scale), "bold"), f"  {found.value:.3f}")
        parts.insert(0, value.append(f" ± {found.error:.3f} bits per byte"))
    return _section("Forecast", *parts)


def _code(name: str, code: str) -> RenderableType:
    syntax = Syntax(clean(code), "python", line_numbers=True, word_wrap=True, theme="ansi_dark")
    return Group(*_section(name, syntax))
