"""The plugins of a run, called through their hooks and checked at that boundary."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache, partial
from typing import TYPE_CHECKING, Any, cast, get_type_hints

import pluggy

from genesys import hookspecs
from genesys.errors import ConfigError, GenesysError, PluginError
from genesys.markers import PROJECT

if TYPE_CHECKING:
    from random import Random

    from genesys.population.population import Population
    from genesys.records import (
        CheckReport,
        CurvePoint,
        Design,
        Found,
        Proposal,
        Query,
        Review,
        Role,
        Scale,
        Selection,
        VerificationReport,
    )
    from genesys.sandbox import Sandbox
    from genesys.session import SessionContext

HOOKS = ("select", "propose", "review", "implement", "check", "verify", "search")
NEEDED = tuple(hook for hook in HOOKS if hook != "search")  # by every run
JOINED = frozenset({"check", "search"})
SEARCH_SECONDS = 60.0


class Plugins:
    """The plugins of a run, called through the hooks of ``genesys.hookspecs``.

    What a plugin returns is checked against the hook's type, and what it raises is wrapped, so
    that a faulty plugin is named.

    Args:
        instances: Plugins by their label, ``<kind>.<name>``, in the order in which they are asked.
        search_seconds: A knowledge plugin that takes longer to answer is not waited for.

    Raises:
        PluginError: One implements no hook, or a hook with arguments that it does not have.
    """

    def __init__(
        self, instances: Mapping[str, object], search_seconds: float = SEARCH_SECONDS
    ) -> None:
        self._search_seconds = search_seconds
        self._manager = pluggy.PluginManager(PROJECT)
        self._manager.add_hookspecs(hookspecs)
        for label, instance in instances.items():
            try:
                self._manager.register(instance, label)
            except pluggy.PluginValidationError as error:
                raise PluginError(f"Plugin {label}: {error}") from None
            if not self._manager.get_hookcallers(instance):
                raise PluginError(
                    f"Plugin {label} implements no hook; mark its methods with "
                    f"genesys.markers.hookimpl. Hooks: {', '.join(HOOKS)}."
                )
        self._reject_unknown_hooks()

    def require(self, *hooks: str) -> None:
        """Raise ``ConfigError`` if no plugin implements one of these hooks."""
        for hook in hooks:
            if not any(self._callers(hook)):
                raise ConfigError(f"None of the configured plugins implements {hook!r}.")

    def ready(self) -> None:
        """Ask every plugin that offers ``ready`` whether it can begin; see docs/plugins.md.

        Raises:
            ConfigError: A checker that simulates would let designs through to a real verifier.
            GenesysError: What keeps one of them from it.
        """
        self._reject_unchecked()
        for label, plugin in self._manager.list_name_plugin():
            if callable(method := getattr(plugin, "ready", None)):
                _called(label, "'ready'", method, {})

    def select(
        self, population: Population, role: Role, candidates: Sequence[str], rng: Random
    ) -> Selection | None:
        """Ask the selector; see ``hookspecs.select``."""
        return cast(
            "Selection | None",
            self._first("select", population=population, role=role, candidates=candidates, rng=rng),
        )

    def propose(self, context: SessionContext) -> Proposal:
        """Ask the agent; see ``hookspecs.propose``."""
        return cast("Proposal", self._first("propose", context=context))

    def review(self, context: SessionContext, proposal: Proposal) -> Review:
        """Ask the agent; see ``hookspecs.review``."""
        return cast("Review", self._first("review", context=context, proposal=proposal))

    def implement(self, context: SessionContext, proposal: Proposal, review: Review) -> Design:
        """Ask the agent; see ``hookspecs.implement``."""
        result = self._first("implement", context=context, proposal=proposal, review=review)
        return cast("Design", result)

    def check(self, design: Design, sandbox: Sandbox) -> CheckReport:
        """Ask the checkers one by one until one finds an error; see ``hookspecs.check``."""
        from genesys.records import CheckReport

        joined = CheckReport()
        for label, call in self._callers("check"):
            report = _checked(label, "check", call, {"design": design, "sandbox": sandbox})
            try:
                design = report.repaired(design)
            except ValueError as error:
                raise PluginError(f"Plugin {label}: {error}.") from None
            joined = joined.followed_by(report)
            if not report.valid:
                break
        return joined

    def verify(
        self,
        design: Design,
        scale: Scale,
        seed: int,
        sandbox: Sandbox,
        progress: Callable[[CurvePoint], None],
    ) -> VerificationReport:
        """Ask the verifier; see ``hookspecs.verify``."""
        result = self._first(
            "verify", design=design, scale=scale, seed=seed, sandbox=sandbox, progress=progress
        )
        return cast("VerificationReport", result)

    def search(self, population: Population, query: Query) -> Found:
        """Ask all knowledge plugins at the same time; see ``hookspecs.search``."""
        from genesys.searching import ask_all

        arguments = {"population": population, "query": query}
        asks = {
            label.partition(".")[2]: partial(_checked, label, "search", call, arguments)
            for label, call in self._callers("search")
        }
        return ask_all(query, asks, self._search_seconds)

    def offers(self, name: str) -> bool:
        """Whether a plugin offers a method of that name beside its hooks; see docs/plugins.md."""
        return any(callable(getattr(p, name, None)) for _, p in self._manager.list_name_plugin())

    def offer(self, name: str, **arguments: Any) -> Any:
        """Call what a plugin offers beside its hooks; see docs/plugins.md.

        Raises:
            ConfigError: None of the plugins has a method of that name.
            PluginError: It has failed.
        """
        for label, plugin in self._manager.list_name_plugin():
            if callable(method := getattr(plugin, name, None)):
                return _called(label, repr(name), method, arguments)
        raise ConfigError(f"None of the configured plugins offers {name!r}.")

    def _first(self, hook: str, **arguments: Any) -> Any:
        for label, call in self._callers(hook):
            result = _checked(label, hook, call, arguments)
            if result is not None:
                return result
        if type(None) in getattr(_returns(hook), "__args__", ()):
            return None
        raise PluginError(f"None of the configured plugins answered {hook!r}.")

    def _callers(self, hook: str) -> Iterator[tuple[str, Callable[..., Any]]]:
        """Each plugin's implementation by itself, so that a fault can be laid at its door.

        They come in the order in which the plugins were given; pluggy's own is the reverse.
        """
        named = self._implementing(hook)
        for name, _ in named:
            others = [plugin for label, plugin in named if label != name]
            yield name, self._manager.subset_hook_caller(hook, remove_plugins=others)

    def _reject_unchecked(self) -> None:
        loose = [label for label, plugin in self._implementing("check") if _simulates(plugin)]
        real = [label for label, plugin in self._implementing("verify") if not _simulates(plugin)]
        if loose and real:
            raise ConfigError(
                f"{loose[0]} checks nothing: it is for simulations, and {real[0]} would train "
                "what it lets through. Take verifier=simulated, or e.g. checker=symbolic."
            )

    def _implementing(self, hook: str) -> list[tuple[str, object]]:
        """The plugins with this hook by their labels, in the order in which they were given."""
        implementing = {i.plugin_name for i in getattr(self._manager.hook, hook).get_hookimpls()}
        return [(n, p) for n, p in self._manager.list_name_plugin() if n in implementing]

    def _reject_unknown_hooks(self) -> None:
        try:
            self._manager.check_pending()
        except pluggy.PluginValidationError as error:
            label = self._manager.get_name(error.plugin)
            raise PluginError(f"Plugin {label}: {error}. Hooks: {', '.join(HOOKS)}.") from None


def _checked(label: str, hook: str, call: Callable[..., Any], arguments: dict[str, Any]) -> Any:
    from typeguard import CollectionCheckStrategy, TypeCheckError, check_type

    result = _called(label, f"its hook {hook!r}", call, arguments)
    if hook in JOINED:  # pluggy lists the results of these, and leaves a None out
        result = result[0] if result else None
    elif result is None:
        return None
    try:
        every = CollectionCheckStrategy.ALL_ITEMS
        return check_type(result, _returns(hook), collection_check_strategy=every)
    except TypeCheckError as error:
        raise PluginError(f"Plugin {label} returned garbage from {hook!r}: {error}") from None


def _simulates(plugin: object) -> bool:
    """Whether a plugin says that it makes up what it answers; see docs/simulation.md."""
    return bool(getattr(plugin, "simulates", False))


def _called(label: str, where: str, call: Callable[..., Any], arguments: dict[str, Any]) -> Any:
    try:
        return call(**arguments)
    except GenesysError:
        raise
    except Exception as error:
        what = f"{type(error).__name__}: {error}"
        raise PluginError(f"Plugin {label} failed in {where}: {what}") from error


@cache
def _returns(hook: str) -> Any:
    """The return type of a hook; all of them are made of records."""
    from genesys import records

    spec = getattr(hookspecs, hook)
    only = type("Only", (), {"__annotations__": {"return": spec.__annotations__["return"]}})
    return get_type_hints(only, vars(records))["return"]
