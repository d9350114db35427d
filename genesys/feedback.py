"""A check report as a language model reads it: plain text, short, the first cause first.

Everything in a report may come from generated code. It is cleaned, and either kept on one line or
put in a fence that is longer than any run of backticks in it, so that it stays data.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from genesys.records import CheckReport, Design, Issue, Repair, Severity
from genesys.text import clean, one_line

BUDGET = 6000
MOST = 5  # issues, and repairs
SENTENCE, EXCERPT = 500, 1500
# A frame of a traceback, and below it its source and markers.
_FRAME = re.compile(r'^  File "([^"\n]*)", line \d+[^\n]*\n(?:    [^\n]*(?:\n|\Z))*', re.MULTILINE)


def feedback(report: CheckReport, design: Design | None = None, budget: int = BUDGET) -> str:
    """What to tell an agent about the design that it wrote.

    Args:
        report: Of the checkers.
        design: As it was checked; with it the lines at fault are quoted.
        budget: Most characters.

    Returns:
        The verdict, the issues with errors first, and the repairs as diffs. What the budget does
        not hold is cut at the end: first the output of an issue or the diff of a repair, then
        whole issues and repairs, whose number is given.
    """
    issues = sorted(report.issues, key=lambda issue: issue.severity is not Severity.ERROR)
    repaired = report.repaired(design) if design else None
    blocks = [_issue(number, issue, repaired) for number, issue in enumerate(issues, 1)][:MOST]
    blocks += [_repair(repair) for repair in report.repairs][:MOST]
    hidden = len(issues) + len(report.repairs) - len(blocks)
    return _fitted(_verdict(report), blocks, hidden, budget)


def _verdict(report: CheckReport) -> str:
    if not report.checked:
        return "The design could not be checked. This is the machine's fault, not the design's."
    if report.valid:
        repaired = " with the repairs" if report.repairs else ""
        return f"The design is valid{repaired}." + (" See the warnings." if report.issues else "")
    return "The design is not valid. Mend the first error first: others may follow from it."


def _issue(number: int, issue: Issue, design: Design | None) -> tuple[str, str]:
    """What must be told of an issue, and what it shows."""
    kind = f" ({issue.kind.replace('_', ' ')})" if issue.kind not in (None, issue.check) else ""
    where = f" in {one_line(issue.file)}" if issue.unit else ""
    line = f", line {issue.line}" if issue.line and issue.unit else ""
    head = f"{number}. {issue.severity.value}: {one_line(issue.check, 40)}{kind}{where}{line}"
    told = [head, f"Found: {one_line(issue.message, SENTENCE)}"]
    if issue.hint.strip():
        told.append(f"To do: {one_line(issue.hint, SENTENCE)}")
    source = one_line(issue.source(design), SENTENCE) if design else ""
    shown = [_fenced("The line:", source, "python")] if source else []
    if output := _tail(_own_frames(clean(issue.output[-10 * EXCERPT :]))):
        shown.append(_fenced("Output:", output, "text"))
    return "\n".join(told), "\n".join(shown)


def _repair(repair: Repair) -> tuple[str, str]:
    told = f"Repair of units/{repair.unit}.py: {one_line(repair.reason, SENTENCE)}"
    return told, _fenced("", _head(clean(repair.diff[: 2 * EXCERPT])), "diff")


def _fitted(verdict: str, blocks: list[tuple[str, str]], hidden: int, budget: int) -> str:
    """As many blocks as the budget holds, those at the end without what they show."""
    text = verdict
    for place, (told, shown) in enumerate(blocks):
        left = len(blocks) - place - 1 + hidden
        room = budget - len(text) - len(_left(left + 1))
        whole = next((b for b in _shorter(told, shown) if len(b) <= room), None)
        if whole is None:
            hidden = left + 1
            break
        text += whole
    return (text + _left(hidden))[:budget]


def _shorter(told: str, shown: str) -> Iterator[str]:
    if shown:
        yield f"\n\n{told}\n{shown}"
    yield f"\n\n{told}"


def _left(number: int) -> str:
    return f"\n\nNot shown: {number} more." if number else ""


def _fenced(title: str, text: str, language: str) -> str:
    runs = re.findall(r"`+", text)
    fence = "`" * max(3, 1 + max(map(len, runs), default=0))
    return "\n".join(filter(None, (title, f"{fence}{language}", text, fence)))


def _own_frames(text: str) -> str:
    """Without the frames of a traceback that lie outside of the design's files."""
    return _FRAME.sub(lambda m: "" if m[1].startswith(("/", "<")) else m[0], text)


def _tail(text: str) -> str:
    text = text.strip("\n")
    return text if len(text) <= EXCERPT else f"…{text[-EXCERPT:]}"


def _head(text: str) -> str:
    text = text.strip("\n")
    return text if len(text) <= EXCERPT else f"{text[:EXCERPT]}…"
