"""The plugin ``agent.team``: five roles over language models."""

from __future__ import annotations

from typing import Any

from pydantic import ValidationError

from genesys.errors import ConfigError
from genesys.markers import hookimpl
from genesys.records import Design, Proposal, Review, first_problem
from genesys.session import SessionContext
from genesys_agents.llm.caller import Caller, Models
from genesys_agents.llm.offline import provider_for
from genesys_agents.llm.readiness import check_ready
from genesys_agents.llm.settings import LLMSettings
from genesys_agents.team.implementation import implement
from genesys_agents.team.proposer import propose
from genesys_agents.team.reviewer import review
from genesys_agents.team.settings import TeamSettings


class Team:
    """Proposes, reviews and implements with language models (sec. 4.2).

    Args:
        llm: A config of group ``llm``; see :class:`LLMSettings`.
        **settings: See :class:`TeamSettings`.

    Raises:
        ConfigError: A parameter or its value is not one of these.
    """

    def __init__(self, llm: dict[str, Any], **settings: Any) -> None:
        try:
            models = LLMSettings.model_validate({k: v for k, v in llm.items() if k != "name"})
            self._settings = TeamSettings.model_validate(settings)
        except ValidationError as error:
            raise ConfigError(f"agent.team: {first_problem(error)}") from None
        self._models = Models(models, provider_for(models.all_models))

    def ready(self) -> None:
        """See docs/plugins.md.

        Raises:
            ConfigError: A model cannot be called, or no call is within the caps.
        """
        check_ready(self._models)

    @hookimpl
    def propose(self, context: SessionContext) -> Proposal:
        """See ``genesys.hookspecs.propose``."""
        return propose(self._caller(context), context, self._settings)

    @hookimpl
    def review(self, context: SessionContext, proposal: Proposal) -> Review:
        """See ``genesys.hookspecs.review``."""
        return review(self._caller(context), context, self._settings, proposal)

    @hookimpl
    def implement(self, context: SessionContext, proposal: Proposal, review: Review) -> Design:
        """See ``genesys.hookspecs.implement``."""
        return implement(self._caller(context), context, self._settings, proposal, review)

    def _caller(self, context: SessionContext) -> Caller:
        return self._models.session(context.tape, context.seed)
