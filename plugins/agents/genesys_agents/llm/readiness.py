"""Whether the configured models can be called, asked before a run spends any time."""

from __future__ import annotations

from collections.abc import Iterator

from genesys.errors import ConfigError
from genesys_agents.llm.caller import Models

_WITHOUT_A_KEY = """\
Without a key there are
  agent=offline            no language model at all
  agent=team llm=local     a server of your own, e.g. vLLM or Ollama
  agent=team llm=offline   a double of a language model, to see the team at work"""


def check_ready(models: Models) -> None:
    """Ask of every model whether it is known, has a price and a key, and fits below the cap.

    Raises:
        ConfigError: All that is missing, in one message.
    """
    problems = [problem for model in models.settings.all_models for problem in _of(models, model)]
    if problems:
        lines = "\n".join(f"- {problem}" for problem in dict.fromkeys(problems))
        raise ConfigError(f"The language models cannot be called:\n{lines}\n{_WITHOUT_A_KEY}")


def _of(models: Models, model: str) -> Iterator[str]:
    """What keeps a model from being called."""
    settings = models.settings
    try:
        missing = models.provider.missing_keys(model, settings.api_base)
        least = models.prices.worst_case(model, ()).usd
    except ConfigError as error:
        yield str(error)
        return
    if missing:
        exports = "; ".join(f"export {name}=..." for name in missing)
        yield f"{model} needs a key in the environment: {exports}"
    if least > settings.session_usd:
        yield (
            f"An answer of {model} may cost {least:.4f} USD, which is more than "
            f"llm.session_usd={settings.session_usd:g}. Raise it, or lower llm.max_output_tokens."
        )
