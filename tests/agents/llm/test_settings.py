"""What a person may write into config group ``llm``."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
from pydantic import ValidationError

from genesys_agents.llm.settings import ROLES, LLMSettings


def test_one_model_for_all() -> None:
    settings = LLMSettings.model_validate({"models": "gpt-4o"})
    assert {settings.model(role, 0) for role in ROLES} == {"gpt-4o"}
    assert settings.all_models == ["gpt-4o"]


def test_a_model_for_a_role() -> None:
    models = {"coder": "big", "default": "small"}
    settings = LLMSettings.model_validate({"models": models, "fallbacks": ["last"]})
    assert settings.model("coder", 1) == "big"
    assert settings.model("planner", 1) == "small"
    assert settings.all_models == ["big", "small", "last"]


def test_a_distribution_is_drawn_from_once_a_session() -> None:
    mixture = {"a": 0.15, "b": 0.35, "c": 0.5, "never": 0.0}
    settings = LLMSettings.model_validate({"models": {"default": mixture}})
    drawn = Counter(settings.model("coder", seed) for seed in range(4000))
    shares = {name: drawn[name] / 4000 for name in mixture}
    assert shares == pytest.approx(mixture, abs=0.03)
    assert "never" not in drawn
    assert all(settings.model("coder", 7) == settings.model("coder", 7) for _ in range(9))
    roles = {tuple(settings.model(role, seed) for role in ROLES) for seed in range(50)}
    assert len(roles) > 10  # roles are drawn apart


@pytest.mark.parametrize(
    ("models", "message"),
    [
        ({"codr": "a", "default": "b"}, "no role named 'codr'"),
        ({"coder": "a"}, "no model for 'observer'"),
        ({"default": {}}, "at least 1 item"),
        ({"default": {"a": 0.0}}, "all 0"),
        ({"default": {"a": -1.0}}, "greater than or equal to 0"),
        (None, "valid dictionary"),
        (3, "valid dictionary"),
    ],
)
def test_models_that_cannot_be(models: Any, message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        LLMSettings.model_validate({"models": models})


def test_a_wrong_key() -> None:
    with pytest.raises(ValidationError, match="sesion_usd"):
        LLMSettings.model_validate({"models": "a", "sesion_usd": 1})
