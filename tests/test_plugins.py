"""The hook boundary: a faulty plugin is named, results are joined or the first counts."""

from __future__ import annotations

import inspect
from pathlib import Path
from random import Random

import pytest

from genesys import hookspecs, registry
from genesys.errors import ConfigError, PluginError, UnitError
from genesys.markers import hookimpl
from genesys.plugins import HOOKS, JOINED, Plugins
from genesys.population.population import Population
from genesys.records import (
    CheckReport,
    CheckResult,
    Design,
    Finding,
    Issue,
    Operator,
    Query,
    Repair,
    Role,
    Selection,
    Severity,
    Unit,
)

DESIGN = Design(name="d", root="A", units=[])
GOOD = CheckReport(results=[CheckResult(check="good", passed=True, seconds=0)])
BAD = CheckReport(
    results=[CheckResult(check="bad", passed=False, seconds=0)],
    issues=[Issue(check="bad", message="no")],
)


def plugin(**hooks):
    """A plugin whose hooks do what the functions say."""
    return type("Plugin", (), {name: hookimpl(function) for name, function in hooks.items()})()


def selecting(answer):
    chosen = Plugins({"selector.mine": plugin(select=lambda self, candidates: answer)})
    return chosen.select(Population(), Role.VERIFIER, ["d"], Random(0))


def test_a_plugin_may_leave_arguments_out():
    picked = Selection(operator=Operator.SEED, designs=["d"])
    assert selecting(picked) is picked


def test_a_selector_may_find_nothing():
    assert selecting(None) is None


@pytest.mark.parametrize("garbage", ["d", 3, {"operator": "seed", "designs": ["d"]}])
def test_garbage_is_laid_at_the_plugins_door(garbage):
    with pytest.raises(PluginError, match=r"Plugin selector\.mine returned garbage from 'select'"):
        selecting(garbage)


def test_every_item_of_a_list_is_checked():
    found = Finding(source="s", title="t", text="x", score=1)
    plugins = Plugins({"knowledge.mine": plugin(search=lambda self: [found, "no finding"])})
    with pytest.raises(PluginError, match=r"knowledge\.mine returned garbage from 'search'"):
        plugins.search(Population(), Query())


def test_nothing_is_garbage_where_an_answer_is_due():
    plugins = Plugins({"checker.mine": plugin(check=lambda self: None)})
    with pytest.raises(PluginError, match=r"checker\.mine returned garbage"):
        plugins.check(DESIGN, None)
    plugins = Plugins({"agent.mine": plugin(propose=lambda self: None)})
    with pytest.raises(PluginError, match="None of the configured plugins answered 'propose'"):
        plugins.propose(None)


def test_an_exception_is_laid_at_the_plugins_door():
    def fail(self, context):
        raise KeyError("x")

    with pytest.raises(PluginError, match=r"agent\.mine failed in its hook 'propose': KeyError"):
        Plugins({"agent.mine": plugin(propose=fail)}).propose(None)


def test_an_error_meant_for_a_person_is_passed_on():
    def fail(self, context):
        raise UnitError("A", "wrong", 3)

    with pytest.raises(UnitError, match="A:3: wrong"):
        Plugins({"agent.mine": plugin(propose=fail)}).propose(None)


def checker(report, asked=None, name="", **options):
    """A checker that notes for which code it was asked."""

    @hookimpl(**options)
    def check(self, design):
        if asked is not None:
            asked.append((name, [unit.code for unit in design.units]))
        return report

    return type("Checker", (), {"check": check})()


def repairing(before, after):
    repair = Repair(unit="A", code=after, diff=f"-{before}\n+{after}", reason="it was so")
    return CheckReport(repairs=[repair], results=GOOD.results)


def test_checkers_are_asked_in_the_given_order():
    asked = []
    options = {"c": {}, "a": {"tryfirst": True}, "b": {}, "d": {"trylast": True}}
    instances = {f"checker.{n}": checker(GOOD, asked, n, **o) for n, o in options.items()}
    Plugins(instances).check(DESIGN, None)
    assert [name for name, _ in asked] == ["c", "a", "b", "d"]


def test_the_first_report_that_is_not_valid_is_the_last():
    asked = []
    warned = CheckReport(issues=[Issue(check="w", severity=Severity.WARNING, message="hm")])
    instances = {
        "checker.a": checker(GOOD, asked, "a"),
        "checker.b": checker(warned, asked, "b"),
        "checker.c": checker(BAD, asked, "c"),
        "checker.d": checker(GOOD, asked, "d"),
    }
    report = Plugins(instances).check(DESIGN, None)
    assert [name for name, _ in asked] == ["a", "b", "c"]
    assert [result.check for result in report.results] == ["good", "bad"]
    assert [issue.check for issue in report.issues] == ["w", "bad"]
    assert report.checked and not report.valid


def test_an_unchecked_design_goes_no_further():
    asked = []
    instances = {
        "checker.a": checker(CheckReport(checked=False)),
        "checker.b": checker(GOOD, asked),
    }
    assert not Plugins(instances).check(DESIGN, None).checked
    assert not asked


def test_each_checker_is_given_the_repairs_of_those_before():
    asked = []
    design = DESIGN.model_copy(update={"units": [Unit(name="A", code="1")]})
    instances = {
        "checker.a": checker(repairing(1, "2"), asked, "a"),
        "checker.b": checker(GOOD, asked, "b"),
        "checker.c": checker(repairing(2, "3"), asked, "c"),
        "checker.d": checker(GOOD, asked, "d"),
    }
    report = Plugins(instances).check(design, None)
    assert asked == [("a", ["1"]), ("b", ["2"]), ("c", ["2"]), ("d", ["3"])]
    assert [repair.code for repair in report.repairs] == ["2", "3"]
    assert [unit.code for unit in report.repaired(design).units] == ["3"]


def test_a_repair_of_a_unit_that_is_not_there_is_laid_at_the_plugins_door():
    plugins = Plugins({"checker.mine": checker(repairing(1, "2"))})
    with pytest.raises(PluginError, match=r"Plugin checker\.mine: a repair names 'A'"):
        plugins.check(DESIGN, None)


def test_findings_are_joined():
    def source(name):
        return plugin(search=lambda self: [Finding(source=name, title="", text="", score=0)])

    plugins = Plugins({"knowledge.a": source("a"), "knowledge.b": source("b")})
    found = plugins.search(Population(), Query())
    assert [finding.source for finding in found.findings] == ["a", "b"]
    assert not found.missing


@pytest.mark.parametrize(
    ("faulty", "message"),
    [
        (plugin(), "implements no hook"),
        (plugin(selct=lambda self: None), "unknown hook 'selct'"),
        (plugin(select=lambda self, poplation: None), "poplation"),
    ],
)
def test_a_plugin_must_fit_its_hooks(faulty, message):
    with pytest.raises(PluginError, match=f"(?s)Plugin selector.mine.*{message}"):
        Plugins({"selector.mine": faulty})


def test_missing_hooks_are_named():
    plugins = Plugins({"checker.a": plugin(check=lambda self: GOOD)})
    plugins.require("check")
    with pytest.raises(ConfigError, match="implements 'verify'"):
        plugins.require("check", "verify")


def test_what_a_plugin_offers_beside_its_hooks():
    offering = plugin(verify=lambda self, design: None)
    type(offering).double = lambda self, number: 2 * number
    plugins = Plugins({"checker.a": plugin(check=lambda self: GOOD), "verifier.b": offering})
    assert plugins.offers("double") and not plugins.offers("treble")
    assert plugins.offer("double", number=4) == 8
    with pytest.raises(PluginError, match=r"verifier\.b failed in 'double': TypeError"):
        plugins.offer("double", number=None)
    with pytest.raises(ConfigError, match="offers 'treble'"):
        plugins.offer("treble", number=4)


def test_every_plugin_is_asked_whether_it_is_ready():
    asked = []

    def ready(self):
        asked.append(self)
        if len(asked) == 2:
            raise ConfigError("no key")

    offering = [plugin(check=lambda self: GOOD) for _ in range(2)]
    for one in offering:
        type(one).ready = ready
    plugins = Plugins({"checker.a": offering[0], "checker.b": plugin(check=lambda self: GOOD)})
    plugins.ready()
    assert asked == offering[:1]
    with pytest.raises(ConfigError, match="no key"):
        Plugins({"checker.b": offering[1]}).ready()


def test_hooks_and_specs_agree():
    specs = {n for n, f in vars(hookspecs).items() if hasattr(f, "genesys_spec")}
    assert specs == set(HOOKS)
    first = {n for n in specs if getattr(hookspecs, n).genesys_spec["firstresult"]}
    assert first == specs - JOINED
    for hook in HOOKS:
        ours = inspect.signature(getattr(Plugins, hook))
        spec = inspect.signature(getattr(hookspecs, hook))
        assert list(ours.parameters.values())[1:] == list(spec.parameters.values())
        joined = {"search": "Found"}.get(hook, spec.return_annotation)
        assert ours.return_annotation == joined


def test_built_ins_implement_every_hook():
    from genesys.cli.config import compose

    registry.load(compose([])).require(*HOOKS)


def test_docs_give_the_signature_of_every_hook():
    text = (Path(__file__).parent.parent / "docs" / "plugins.md").read_text()
    for hook in HOOKS:
        source = inspect.getsource(getattr(hookspecs, hook))
        signature = source[source.index("def ") : source.index('    """')].rstrip()
        assert signature in text, f"docs/plugins.md lacks:\n{signature}"
