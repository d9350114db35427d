"""From names to plugins, with errors that say what to do."""

from __future__ import annotations

import tomllib
from importlib.metadata import EntryPoint, distribution
from pathlib import Path

import pytest

from genesys import registry
from genesys.errors import ConfigError, PluginError, UnknownNameError
from genesys.markers import hookimpl
from genesys.records import Found, Query

PROJECT = Path(__file__).parent.parent / "pyproject.toml"


class Search:
    """A plugin with parameters."""

    def __init__(self, words: list[str], share: float = 0.5, limit: int | None = None) -> None:
        if share > 1:
            raise ValueError("share is at most 1")
        if share < 0:
            raise RuntimeError("what a mess")
        self.words = words

    @hookimpl
    def search(self, population, query):
        return self.words


@pytest.fixture
def offered(monkeypatch):
    """Entry points of this test instead of those that are installed."""
    points = [
        EntryPoint("knowledge.words", f"{__name__}:Search", "genesys"),
        EntryPoint("knowledge.gone", "genesys.no_such_module:Gone", "genesys"),
        EntryPoint("knowledge.module", "genesys.records", "genesys"),
        EntryPoint("knowledge.twice", f"{__name__}:Search", "genesys"),
        EntryPoint("knowledge.twice", "genesys.other:Search", "genesys"),
        EntryPoint("selector.other", "genesys.no_such_module:Other", "genesys"),
    ]
    monkeypatch.setattr(registry, "entry_points", lambda group: points)


def load(**config):
    return registry.load({"knowledge": config}, kinds=("knowledge",))


def test_pyproject_and_installed_metadata_agree():
    written = tomllib.loads(PROJECT.read_text())["project"]["entry-points"]["genesys"]
    points = distribution("genesys").entry_points.select(group="genesys")
    assert {p.name: p.value for p in points} == written


def test_installed_lists_without_importing():
    kinds = [plugin.kind for plugin in registry.installed()]
    order = (*registry.KINDS, *registry.PARTS)
    assert set(kinds) == set(order)
    assert kinds == sorted(kinds, key=order.index)


@pytest.mark.parametrize(
    ("config", "error", "message"),
    [
        ({"name": "word"}, UnknownNameError, "No knowledge named 'word'. Did you mean 'words'"),
        ({"name": "other"}, UnknownNameError, "Available: gone, module, twice, twice, words"),
        ({"name": "gone"}, PluginError, "knowledge.gone of .* cannot be imported: ModuleNotFound"),
        ({"name": "module"}, PluginError, "'genesys.records' is neither a class nor a function"),
        ({"name": "twice"}, ConfigError, "offer a knowledge named 'twice'; uninstall one"),
        ({"name": "words"}, ConfigError, "needs the parameter 'words'"),
        ({"name": "words", "words": [], "shar": 1}, UnknownNameError, "Did you mean 'share'"),
        ({"name": "words", "words": [1]}, ConfigError, "knowledge.words.words = .1.: item 0"),
        ({"name": "words", "words": [], "share": "x"}, ConfigError, "share = 'x'"),
        ({"name": "words", "words": [], "share": 2}, ConfigError, "words: share is at most 1"),
        ({"name": "words", "words": [], "share": -1}, PluginError, "cannot be built: Runtime"),
        (
            {"a": {"name": "words", "words": []}, "b": {"name": "words", "words": []}},
            ConfigError,
            "names knowledge.words twice",
        ),
        ({"a": {"words": []}}, ConfigError, "mapping with the plugin's 'name'"),
        ({"a": 3}, ConfigError, "mapping with the plugin's 'name'"),
    ],
)
@pytest.mark.usefixtures("offered")
def test_a_faulty_config_is_explained(config, error, message):
    with pytest.raises(error, match=message):
        load(**config)


@pytest.mark.parametrize("value", ["words", 3])
def test_a_kind_must_be_a_mapping(value):
    with pytest.raises(ConfigError, match="knowledge"):
        registry.load({"knowledge": value}, kinds=("knowledge",))


@pytest.mark.usefixtures("offered")
def test_only_what_the_config_names_is_imported():
    assert load(name="words", words=["a"], share=1, limit=None) is not None


def test_only_knowledge_may_be_left_out():
    assert registry.load({}, kinds=("knowledge",)).search(None, Query()) == Found()
    with pytest.raises(ConfigError, match="names no agent"):
        registry.load({}, kinds=("agent",))


@pytest.mark.parametrize("seconds", [0, -1, "soon", True, float("nan")])
def test_searches_need_time(seconds):
    with pytest.raises(ConfigError, match="search_seconds must be a number above 0"):
        registry.load({"search_seconds": seconds}, kinds=("knowledge",))
