"""Code in the docs works, and links lead somewhere."""

from __future__ import annotations

import re
from pathlib import Path
from random import Random

import pytest

from genesys.gau.compose import compose
from genesys.gau.load import load_block
from genesys.gau.tree import GAUTree
from genesys.gau.unit import parse_unit
from genesys.plugins import Plugins
from genesys.population.population import Population
from genesys.records import Design, Role

ROOT = Path(__file__).parent.parent
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]


def code_in(page: str, starts: str) -> str:
    """The one Python block of a page that starts so."""
    blocks = re.findall(r"```python\n(.*?)```", (ROOT / "docs" / page).read_text(), re.DOTALL)
    (block,) = [block for block in blocks if block.startswith(starts)]
    return block


def test_the_unit_in_the_docs_is_one():
    unit = parse_unit(code_in("architecture.md", "# GAU_IMPLEMENTATION_FILE"))
    module = load_block(compose(GAUTree(unit.name, {unit.name: unit})))
    for name in unit.tests:
        getattr(module, name)()


def test_the_plugin_in_the_docs_selects():
    namespace = {}
    exec(code_in("plugins.md", "from genesys.markers"), namespace)
    plugins = Plugins({"selector.newest": namespace["NewestSelector"](references=1)})
    population = Population([Design(name=n, root="A", units=[]) for n in "abc"])
    picked = plugins.select(population, Role.DESIGNER, ["a", "b"], Random(0))
    assert (picked.designs, picked.references) == (["b"], ["a"])


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page):
    for target in re.findall(r"\]\(([^)#]+)", page.read_text()):
        if not target.startswith("http"):
            assert (page.parent / target).exists(), f"{page.name}: {target}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_named_files_exist(page):
    pattern = r"(?<![\w/])(?:genesys|plugins|configs|tests|benchmarks|seeds)/[\w/]+\.(?:py|yaml)\b"
    for name in re.findall(pattern, page.read_text()):
        path = ROOT / name
        assert path.exists() or list(ROOT.glob(f"plugins/*/{name}")), f"{page.name}: {name}"


def test_the_double_in_the_docs_is_served():
    namespace = {}
    exec(code_in("plugins.md", "from genesys.testing"), namespace)
    assert namespace["overrides"][-1].startswith("llm.api_base=http://127.0.0.1:")
