"""One session by itself: a child of given parents, in a folder that is a small run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from genesys.errors import ConfigError
from genesys.evolution.admission import admitted
from genesys.evolution.budget import BudgetSettings
from genesys.evolution.designer import Designer
from genesys.evolution.events import Observer, SessionEnded
from genesys.evolution.run import identity_of, sandbox_of
from genesys.evolution.settings import EvolutionSettings
from genesys.gau.tree import GAUTree
from genesys.markers import hookimpl
from genesys.population.evolution_tree import EvolutionTree
from genesys.records import Design, Operator, Proposal, Review, Selection
from genesys.registry import load

KINDS = ("agent", "checker", "knowledge")
HOOKS = ("propose", "review", "implement", "check")


class Given:
    """Proposes what it was given, so that the agents only implement it."""

    def __init__(self, proposal: Proposal) -> None:
        self._proposal = proposal

    @hookimpl
    def propose(self) -> Proposal:
        """See ``genesys.hookspecs.propose``."""
        return self._proposal

    @hookimpl
    def review(self) -> Review:
        """See ``genesys.hookspecs.review``."""
        return Review(rating=5, text="It was accepted before.")


def selection_of(parents: Sequence[str], operator: str | None = None) -> Selection:
    """Parents and how they make a child.

    Args:
        parents: Their names.
        operator: Name of an operator; None for the one that takes so many.

    Raises:
        ConfigError: There is no such operator, it takes another number, or a name comes twice.
    """
    takes = {0: Operator.SCRATCH, 1: Operator.MUTATION}.get(len(parents), Operator.CROSSOVER)
    if operator not in (None, takes.value):
        raise ConfigError(
            f"operator={operator} takes another number of parents than {len(parents)}: scratch "
            "takes none, mutation one, crossover two or more."
        )
    if len(set(parents)) < len(parents):
        raise ConfigError(f"Two parents have one name: {', '.join(parents)}.")
    return Selection(operator=takes, designs=list(parents))


def hold_session(
    config: Mapping[str, Any],
    folder: Path,
    parents: Sequence[Design],
    selection: Selection,
    observe: Observer,
    proposal: Proposal | None = None,
) -> None:
    """Hold the one session of a folder, or go on with it; nothing is done where it has ended.

    Args:
        config: As composed from ``configs/evolve.yaml``.
        folder: Made when absent. It is read as a run of one session.
        parents: Designs to start from; they are not checked.
        selection: Names them and the operator.
        observe: Is told of everything that happens.
        proposal: What to implement; None to let the agents propose.

    Raises:
        GenesysError: The config cannot work, the folder holds another session, or something keeps
            the session from going on.
    """
    settings = EvolutionSettings.of(config.get("evolution"))
    plugins = load(config, KINDS, {"agent.given": Given(proposal)} if proposal else None)
    plugins.require(*HOOKS)
    plugins.ready()
    decisive = {key: config.get(key) for key in ("seed", "evolution", *KINDS)}
    decisive["selector"] = selection.model_dump(mode="json", exclude={"why"})
    if proposal:
        decisive["proposal"] = proposal.model_dump(mode="json")
    identity = identity_of(decisive, config.get("incidental", []))
    purse = BudgetSettings.of(config.get("budget", {})).purse
    sandbox = sandbox_of(config.get("sandbox"))
    with EvolutionTree(folder, identity, purse) as tree, sandbox:
        planted = {design.name for design in tree.population().designs}
        for index, parent in enumerate(parents):
            if parent.name not in planted:
                tree.add_seed(_as_seed(parent, index))
        population = tree.population()
        if not population.sessions:
            designer = Designer(plugins, sandbox, settings, observe)
            known = proposal.references if proposal else ()
            held = designer.run(population, tree.tape(0), selection, known)
            session, design = admitted(*held, population)
            tree.commit_session(session, design)
            observe(SessionEnded(session, design))


def _as_seed(design: Design, index: int) -> Design:
    said = {"proposal": design.proposal, "review": design.review}
    return GAUTree.of(design).as_design(design.name, index=index, **said)
