"""Adds items to a list of arguments or parameters in the way that the list is written."""

from __future__ import annotations

from collections.abc import Sequence

import libcst as cst

Listed = cst.Arg | cst.Param
Gap = cst.BaseParenthesizableWhitespace


def extend(
    old: Sequence[Listed], new: Sequence[Listed], before: Gap, more: bool = False
) -> list[Listed]:
    """Add items to a list in the way that it is written: in one line, or one item a line.

    Args:
        old: The items so far.
        new: Those to add.
        before: What stands between the opening parenthesis and the first item.
        more: Whether other items follow.
    """
    if not old:
        return list(new)
    between = _between(old, before)
    last = old[-1]
    field = "whitespace_after_arg" if isinstance(last, cst.Arg) else "whitespace_after_param"
    comma = last.comma if isinstance(last.comma, cst.Comma) else None
    end: Gap = comma.whitespace_after if comma else getattr(last, field)
    kept = last.with_changes(
        comma=cst.Comma(whitespace_after=_with_comment(between, end, before)),
        **{field: cst.SimpleWhitespace("")},
    )
    inner = [item.with_changes(comma=cst.Comma(whitespace_after=between)) for item in new[:-1]]
    if more or comma:
        tail = new[-1].with_changes(comma=cst.Comma(whitespace_after=_bare(end)))
    else:
        tail = new[-1].with_changes(comma=cst.MaybeSentinel.DEFAULT, **{field: _bare(end)})
    return [*old[:-1], kept, *inner, tail]


def _between(old: Sequence[Listed], before: Gap) -> Gap:
    """What stands between two items of a list."""
    if len(old) > 1 and isinstance(old[-2].comma, cst.Comma):
        return _bare(old[-2].comma.whitespace_after)
    is_open = isinstance(before, cst.ParenthesizedWhitespace)
    return _bare(before) if is_open else cst.SimpleWhitespace(" ")


def _bare(gap: Gap) -> Gap:
    """A gap without its comments and empty lines."""
    if not isinstance(gap, cst.ParenthesizedWhitespace):
        return gap
    return gap.with_changes(first_line=cst.TrailingWhitespace(), empty_lines=[])


def _with_comment(gap: Gap, commented: Gap, line: Gap) -> Gap:
    """A gap that begins with the comment of another and, if there is one, ends like a line's."""
    if not isinstance(commented, cst.ParenthesizedWhitespace):
        return gap
    if commented.first_line.comment is None and not commented.empty_lines:
        return gap
    end = next((g for g in (gap, line) if isinstance(g, cst.ParenthesizedWhitespace)), commented)
    return end.with_changes(first_line=commented.first_line, empty_lines=commented.empty_lines)
