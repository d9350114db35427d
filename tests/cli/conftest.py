"""A population as a run would leave it: seeds, children, failures, two scales."""

from __future__ import annotations

import math
import random
from collections.abc import Callable
from io import StringIO
from pathlib import Path

import pytest
import yaml
from rich.console import Console

from genesys.population.population import Population
from genesys.records import (
    CheckReport,
    CheckResult,
    CurvePoint,
    Design,
    Efficiency,
    ErrorKind,
    Issue,
    Operator,
    Outcome,
    Proposal,
    Reference,
    Review,
    Scale,
    Score,
    Selection,
    Session,
    SessionEnd,
    Unit,
    VerificationReport,
)
from genesys.resources import resource

TASKS = ("next_word", "scrambled", "agreement", "recall", "copy", "brackets")
CHECKS = ("parser", "formatter", "initialization", "forward", "backward", "causality")
SCALES = (
    Scale(name="0.1M", n_block=2, d_model=64, tokens=400_000, learning_rate=2e-3, trials=16),
    Scale(name="0.3M", n_block=3, d_model=96, tokens=1_200_000, learning_rate=1e-3, trials=6),
)
# name, operator, parents, accuracy at 0.1M
CHILDREN = (
    ("gpt2-shortconv", Operator.MUTATION, ("gpt2",), 0.634),
    ("mamba2-gated", Operator.MUTATION, ("mamba2",), 0.618),
    ("decay-mixer", Operator.SCRATCH, (), 0.589),
    ("gpt2-x-mamba2", Operator.CROSSOVER, ("gpt2", "mamba2"), 0.641),
    ("shortconv-decay", Operator.MUTATION, ("gpt2-shortconv",), 0.629),
    ("lowrank-memory", Operator.MUTATION, ("decay-mixer",), 0.601),
    ("hybrid-norm", Operator.CROSSOVER, ("gpt2-x-mamba2", "mamba2-gated"), 0.652),
    ("unstable-exp", Operator.MUTATION, ("gpt2-x-mamba2",), None),
)
PROPOSAL = """# {name}

## Motivation

Attention compares every pair of positions, yet most of what a **small** model can learn sits in
the last few tokens. A causal short convolution sees them for a fraction of the price.

## Change

- Put a depthwise convolution of width 4 in front of `q`, `k` and `v`.
- Gate its output: $y = \\sigma(g) \\odot c$.

```python
y = torch.sigmoid(gate) * conv
```
"""


def make_report(
    name: str, scale: Scale, accuracy: float, *, bits: float = 2.1, seconds: float = 20.0
) -> VerificationReport:
    """A report with six tasks whose mean is ``accuracy``, and a plausible curve."""
    rng = random.Random(name + scale.name)
    offsets = [0.03, -0.03, 0.06, -0.06, 0.01, -0.01]
    scores = [
        Score(
            task=task,
            metric="acc",
            value=accuracy + offset,
            stderr=0.012,
            chance=0.5,
            untrained=0.5 + offset / 10,
        )
        for task, offset in zip(TASKS, offsets, strict=True)
    ]
    scores.append(Score(task="heldout", metric="bits_per_byte", value=bits, untrained=7.9))
    floor = 5.6 - 3 * (accuracy - 0.5)
    curve = []
    for i in range(60):
        loss = floor + 3.0 * math.exp(-i / 9) + rng.gauss(0, 0.03)
        tokens = (i + 1) * scale.tokens // 60
        curve.append(CurvePoint(step=i * 4, tokens=tokens, loss=loss, grad_norm=1.2))
    return VerificationReport(
        design=name,
        scale=scale.name,
        n_block=scale.n_block,
        embed_dim=scale.d_model,
        parameters=12 * scale.n_block * scale.d_model**2,
        tokens=scale.tokens,
        scores=scores,
        curve=curve,
        tokens_per_second=21_300.0 + 100 * len(name),
        seconds=seconds,
    )


def make_efficiency(name: str, ratio: float, error: str = "") -> list[Efficiency]:
    """The reference and, so many times as fast and large, a design, at two lengths.

    At the second one the design fails if there is an error.
    """
    base = {
        "train_tokens_per_second": 20_000.0,
        "train_memory_mb": 100.0,
        "prefill_tokens_per_second": 80_000.0,
        "prefill_memory_mb": 10.0,
        "prefill_bytes_per_token": 7000.0,
    }
    own = {name: ratio * value for name, value in base.items()}
    return [
        Efficiency(design="gpt2", length=128, rows=4, **base),
        Efficiency(design=name, length=128, rows=4, **own),
        Efficiency(design="gpt2", length=512, rows=1, **base),
        Efficiency(design=name, length=512, rows=1, **({} if error else own), error=error),
    ]


def make_seed(name: str, index: int = 0) -> Design:
    """A shipped seed as a design."""
    folder = resource("seeds") / name
    root = yaml.safe_load((folder / "design.yaml").read_text())["root"]
    files = sorted(folder.glob("units/*.py"), key=lambda file: (file.stem != root, file.stem))
    units = [Unit(name=file.stem, code=file.read_text()) for file in files]
    return Design(name=name, root=root, units=units, structural_hash=name, index=index)


def make_child(
    parent: Design, name: str, operator: Operator, parents: tuple[str, ...], index: int
) -> Design:
    """A child that changes the last of its parent's units."""
    last = parent.units[-1]
    units = [*parent.units[:-1], Unit(name=last.name, code=f"{last.code}\n# variant {index}\n")]
    proposal = Proposal(
        name=name,
        abstract="A gated short convolution in front of the memory.",
        text=PROPOSAL.format(name=name),
        operator=operator,
        parents=list(parents),
        target=parent.units[-1].name,
        references=[Reference(id="library:gla", title="Gates & decay")],
    )
    return Design(
        name=name,
        root=parent.root,
        units=units,
        operator=operator,
        parents=list(parents),
        structural_hash=name,
        proposal=proposal,
        review=Review(rating=4.2, text="Cheap, testable, and **not** in any parent."),
        check=CheckReport(results=[CheckResult(check=c, passed=True, seconds=0.4) for c in CHECKS]),
        index=index,
    )


@pytest.fixture(scope="session")
def population() -> Population:
    """Two seeds and eight children; one child fails, two sessions were rejected."""
    designs = [make_seed("gpt2", 0), make_seed("mamba2", 1)]
    reports = [make_report("gpt2", SCALES[0], 0.62), make_report("mamba2", SCALES[0], 0.607)]
    sessions = []
    for index, (name, operator, parents, accuracy) in enumerate(CHILDREN):
        parent = next((d for d in designs if d.name in parents), designs[0])
        designs.append(make_child(parent, name, operator, parents, index + 2))
        selection = Selection(operator=operator, designs=list(parents))
        end = SessionEnd.ACCEPTED
        sessions.append(
            Session(index=index, seed=index, selection=selection, end=end, design=name, seconds=6.0)
        )
        if accuracy is not None:
            bits = 2.6 - accuracy
            reports.append(make_report(name, SCALES[0], accuracy, bits=bits))
    reports += [
        make_report(name, SCALES[1], accuracy, bits=1.8, seconds=70.0)
        for name, accuracy in (("gpt2", 0.664), ("gpt2-x-mamba2", 0.671), ("hybrid-norm", 0.69))
    ]
    failed = VerificationReport(
        design="unstable-exp",
        scale="0.1M",
        outcome=Outcome.DESIGN_ERROR,
        error="The loss became NaN at step 112.",
        seconds=9.0,
    )
    leak = Issue(
        check="causality",
        kind=ErrorKind.CAUSALITY,
        unit="MHA",
        line=41,
        message="The output at position 12 changes with the input at position 40.",
        hint="Outputs depend on earlier positions only: mask before the softmax.",
    )
    selection = Selection(operator=Operator.MUTATION, designs=["gpt2"])
    sessions += [
        Session(
            index=8,
            seed=8,
            selection=selection,
            end=SessionEnd.REJECTED_BY_CHECKER,
            note=leak.summary,
            seconds=4.0,
            issues=[leak],
        ),
        Session(
            index=9,
            seed=9,
            selection=selection,
            end=SessionEnd.NOT_NEW,
            note="Same structure as gpt2-shortconv.",
            seconds=1.0,
        ),
    ]
    return Population(designs, [*reports, failed], sessions)


@pytest.fixture()
def hostile() -> Population:
    """Everything a generated design can put into text: markup, HTML, control sequences."""
    evil = (
        "</script><script>alert(1)</script>[bold red]x[/] \x1b[2J\x1b]0;owned\x07 \u202eabc \ud800"
    )
    design = make_seed("gpt2").model_copy(
        update={
            "name": "evil",
            "operator": Operator.SCRATCH,
            "units": [Unit(name="Evil", code=f'"""{evil}"""')],
            "root": "Evil",
            "proposal": Proposal(
                name="evil",
                abstract=evil,
                text=f"{evil}\n\n[click](javascript:alert(2)) ![i](http://x/y.png) <img src=x>",
                operator=Operator.SCRATCH,
                parents=[],
            ),
            "review": Review(rating=1, text=evil),
        }
    )
    issue = Issue(check=evil, unit=evil, line=1, message=evil, hint=evil, output=evil)
    selection = Selection(operator=Operator.SCRATCH, designs=[])
    session = Session(
        index=0,
        seed=0,
        selection=selection,
        end=SessionEnd.REJECTED_BY_CHECKER,
        note=evil,
        issues=[issue],
    )
    bad = VerificationReport(
        design="evil", scale="0.1M", outcome=Outcome.DESIGN_ERROR, error=evil, parameters=1
    )
    return Population([design], [bad], [session])


@pytest.fixture()
def render() -> Callable[..., str]:
    """Renders something as a person without a terminal sees it."""

    def rendered(renderable: object, width: int = 120) -> str:
        console = Console(file=StringIO(), width=width, force_terminal=False)
        console.print(renderable)
        assert isinstance(console.file, StringIO)
        return console.file.getvalue()

    return rendered


@pytest.fixture()
def seeds() -> Path:
    """The folder of shipped seeds."""
    return resource("seeds")
