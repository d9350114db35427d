# ruff: noqa: N802 - libcst calls leave_<Node>
"""Repairs of a unit's source: formatting and comments stay as they are."""

from __future__ import annotations

import ast
import difflib
from collections.abc import Sequence

import libcst as cst
from libcst.metadata import MetadataWrapper, PositionProvider

from genesys.records import Repair
from genesys_checkers.listing import Gap, extend
from genesys_checkers.rules.finding import Edit, Place

# What takes libcst longer than a check may take is left to its author.
MAX_CODE = 30_000


def apply(code: str, edits: Sequence[Edit]) -> str:
    """The source with the edits; the same source if they cannot be made."""
    if len(code) > MAX_CODE:
        return code
    try:
        wrapper = MetadataWrapper(cst.parse_module(code), unsafe_skip_copy=True)
        return wrapper.visit(_Apply(code, edits)).code
    except (cst.ParserSyntaxError, cst.CSTValidationError, RecursionError):
        return code


def repair(unit: str, before: str, after: str, reasons: Sequence[str]) -> Repair:
    """The record of a repair."""
    name = f"units/{unit}.py"
    old, new = before.splitlines(keepends=True), after.splitlines(keepends=True)
    diff = "".join(
        line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n"
        for line in difflib.unified_diff(old, new, f"a/{name}", f"b/{name}")
    )
    return Repair(unit=unit, code=after, diff=diff, reason=" ".join(dict.fromkeys(reasons)))


class _Apply(cst.CSTTransformer):
    """Finds the nodes of the edits again, by where they begin."""

    METADATA_DEPENDENCIES = (PositionProvider,)

    def __init__(self, code: str, edits: Sequence[Edit]) -> None:
        super().__init__()
        lines = code.splitlines()
        self._functions: dict[tuple[int, int], list[Edit]] = {}
        self._calls: dict[tuple[int, int], list[Edit]] = {}
        for edit in edits:
            node = edit.node
            if isinstance(node, ast.Call):
                # ``super().__init__()`` and ``super()`` begin at one place.
                end = _place(lines, node.end_lineno or 0, node.end_col_offset or 0)
                self._calls.setdefault(end, []).append(edit)
            else:
                begin = _place(lines, node.lineno, node.col_offset)
                self._functions.setdefault(begin, []).append(edit)

    def leave_Call(self, original_node: cst.Call, updated_node: cst.Call) -> cst.Call:
        end = self.get_metadata(PositionProvider, original_node).end
        edits = self._calls.get((end.line, end.column), [])
        added = [text for edit in edits for text in edit.texts]
        if not added:
            return updated_node
        call = cst.ensure_type(cst.parse_expression(f"f({', '.join(added)})"), cst.Call)
        args = extend(updated_node.args, call.args, updated_node.whitespace_before_args)
        return updated_node.with_changes(args=args)

    def leave_FunctionDef(
        self, original_node: cst.FunctionDef, updated_node: cst.FunctionDef
    ) -> cst.FunctionDef:
        start = self.get_metadata(PositionProvider, original_node).start
        for edit in self._functions.get((start.line, start.column), []):
            if edit.place is Place.BODY:
                updated_node = _begin(updated_node, edit.texts)
            elif edit.place is Place.DEFAULTS:
                updated_node = _default(updated_node, edit.texts)
            else:
                updated_node = _take(updated_node, edit.texts)
        return updated_node


def _place(lines: Sequence[str], line: int, column: int) -> tuple[int, int]:
    """A place as libcst counts it, in characters: ast counts bytes."""
    text = lines[line - 1].encode()[:column] if 0 < line <= len(lines) else b""
    return line, len(text.decode("utf-8", "replace"))


def _begin(function: cst.FunctionDef, texts: Sequence[str]) -> cst.FunctionDef:
    """Put statements first in the body of a function, after its docstring."""
    body = function.body
    if not isinstance(body, cst.IndentedBlock):
        return function
    first = 1 if function.get_docstring() is not None else 0
    new = [cst.parse_statement(text) for text in texts]
    return function.with_changes(
        body=body.with_changes(body=[*body.body[:first], *new, *body.body[first:]])
    )


def _default(function: cst.FunctionDef, names: Sequence[str]) -> cst.FunctionDef:
    """Give arguments the default None."""

    def given(params: Sequence[cst.Param]) -> list[cst.Param]:
        return [
            p.with_changes(default=cst.Name("None"), equal=_equal(p))
            if p.name.value in names
            else p
            for p in params
        ]

    params = function.params
    return function.with_changes(
        params=params.with_changes(
            params=given(params.params), kwonly_params=given(params.kwonly_params)
        )
    )


def _equal(param: cst.Param) -> cst.AssignEqual:
    """The sign of a default, without spaces unless there is an annotation."""
    gap = cst.SimpleWhitespace(" " if param.annotation is not None else "")
    return cst.AssignEqual(whitespace_before=gap, whitespace_after=gap)


def _take(function: cst.FunctionDef, texts: Sequence[str]) -> cst.FunctionDef:
    """Add parameters where they change the place of no other."""
    parsed = cst.parse_statement(f"def f({', '.join(texts)}): pass")
    params, added = function.params, cst.ensure_type(parsed, cst.FunctionDef).params
    before = function.whitespace_before_params
    by_name = isinstance(params.star_arg, cst.Param | cst.ParamStar)
    old = params.kwonly_params if by_name else params.params
    last = params.star_kwarg
    if added.params:
        new = extend(old or (), added.params, before, more=last is not None)
        params = params.with_changes(**{"kwonly_params" if by_name else "params": new})
    if isinstance(added.star_kwarg, cst.Param) and last is None:
        params = _take_kwargs(params, added.star_kwarg, before)
    return function.with_changes(params=params)


def _take_kwargs(params: cst.Parameters, kwargs: cst.Param, before: Gap) -> cst.Parameters:
    field = "params"
    if params.kwonly_params:
        field = "kwonly_params"
    elif isinstance(params.star_arg, cst.Param):
        field = "star_arg"
    elif not params.params and params.posonly_params:
        return params  # ``def f(self, /)``: the slash ends the list
    value = getattr(params, field)
    listed = [value] if isinstance(value, cst.Param) else list(value)
    *kept, last = extend(listed, [kwargs], before)
    changed = kept[0] if isinstance(value, cst.Param) else kept
    return params.with_changes(**{field: changed, "star_kwarg": last})
