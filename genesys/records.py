"""What the parts of Genesys hand to each other and keep: one definition each.

Every record is an immutable pydantic model without dicts or unions of models, so that an Arrow
schema derives from it (``genesys.population.schema``) and anything that comes back from a sandbox
worker can be validated against it.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from math import sqrt
from statistics import stdev
from typing import Annotated, Any

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    FiniteFloat,
    ValidationError,
    field_validator,
    model_validator,
)

from genesys.errors import TreeError, UnitError
from genesys.text import one_line

Name = Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9_-]{0,63}$")]


class Record(BaseModel):
    """Base of all records: immutable, closed, compared by value, and such as a table can hold.

    Integers have at most 64 bits. Lone surrogates, which a message of generated code may hold and
    UTF-8 cannot encode, become question marks.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    @field_validator("*")
    @classmethod
    def _fits_a_table(cls, value: Any) -> Any:
        if type(value) is int and not -(2**63) <= value < 2**63:
            raise ValueError("an integer must fit 64 bits")
        return value.encode("utf-8", "replace").decode() if type(value) is str else value


def first_problem(error: ValidationError) -> str:
    """The first thing that is wrong with the data of a record: ``field: message``."""
    first = error.errors()[0]
    return ": ".join(filter(None, [".".join(map(str, first["loc"])), first["msg"]]))


class Operator(StrEnum):
    """The ways to make a child (sec. 4.2); seeds are given, not made."""

    SEED = "seed"
    MUTATION = "mutation"
    CROSSOVER = "crossover"
    SCRATCH = "scratch"


class Role(StrEnum):
    """Who selects: a designer its parents, a verifier its next design (sec. 4.3)."""

    DESIGNER = "designer"
    VERIFIER = "verifier"


class Unit(Record):
    """One unit of a design: its class name and the source of its file."""

    name: Name
    code: str


class Argument(Record):
    """One argument of a design (``gab_config``), its value as JSON."""

    name: Name
    json_value: str


class Selection(Record):
    """What a selector picked.

    Attributes:
        operator: How to make the child; ``SEED`` when a verifier selects.
        designs: Names of the parents, or of the one design to verify.
        references: Names of designs to show the designer besides its parents.
        why: Why these, in a sentence, e.g. which quadrant they were drawn from.
    """

    operator: Operator
    designs: list[Name]
    references: list[Name] = []
    why: str = ""


class Query(Record):
    """What an agent asks the knowledge engine (app. B.1.3).

    Attributes:
        keywords: For sources that search by keyword.
        description: Of the wanted content, for sources that search by meaning.
        instruction: To a source that is a language model with a search engine.
        limit: Most findings per source.
        tokens: Of all findings together, about; by default what the limits of table 10 come to.
    """

    keywords: list[str] = []
    description: str = ""
    instruction: str = ""
    limit: int = 5
    tokens: Annotated[int, Field(ge=1)] = 8000


class Finding(Record):
    """A passage that a knowledge source found.

    Attributes:
        source: Who found it, e.g. ``library``.
        title: Of the work that the passage is from.
        text: The passage.
        score: How well it answers, in 0..1.
        id: ``source:key``, the same in every search, for citing it; empty for what cannot be cited.
        url: Where a person can read on; empty if nowhere.
    """

    source: str
    title: str
    text: str
    score: float
    id: str = ""
    url: str = ""


class Missing(Record):
    """A knowledge source that gave no answer.

    Attributes:
        source: Which.
        reason: Why.
        hint: What a person can do about it; empty if nothing.
    """

    source: str
    reason: str
    hint: str = ""


class Found(Record):
    """What a search came to.

    Attributes:
        query: What was asked.
        findings: Of all sources, in the order of the config, each source's best first.
        missing: The sources that gave no answer.
    """

    query: Query = Query()
    findings: list[Finding] = []
    missing: list[Missing] = []

    @model_validator(mode="before")
    @classmethod
    def _of_findings(cls, value: Any) -> Any:
        """Earlier runs kept the findings only, as a list."""
        return {"findings": value} if isinstance(value, list) else value


class Reference(Record):
    """A passage that a proposal relies on: its ``Finding.id``, title and address."""

    id: str
    title: str
    url: str = ""

    @classmethod
    def to(cls, finding: Finding) -> Reference:
        """The reference to a finding."""
        return cls(id=finding.id, title=finding.title, url=finding.url)

    @property
    def finding(self) -> Finding:
        """What was found, as far as the reference tells."""
        return Finding(source="", id=self.id, title=self.title, text="", score=1.0, url=self.url)

    def __str__(self) -> str:
        """Id, title and address in a line."""
        address = f" <{one_line(self.url, 300)}>" if self.url.startswith("http") else ""
        return f"[{one_line(self.id)}] {one_line(self.title, 200)}{address}"


class Proposal(Record):
    """An idea in prose (app. F.1).

    Attributes:
        name: Of the design, as an identifier.
        abstract: One sentence.
        text: The proposal as Markdown.
        operator: How the child is made.
        parents: Names of the parent designs.
        target: The unit that a mutation replaces; empty otherwise.
        plan: What the proposing agent hands to the implementing one, in a form of their own.
        references: What it relies on, of what the session's searches found.
    """

    name: Name
    abstract: str
    text: str
    operator: Operator
    parents: list[Name]
    target: str = ""
    plan: str = ""
    references: list[Reference] = []

    @property
    def document(self) -> str:
        """The text as Markdown, with a list of what it relies on."""
        listing = "".join(f"\n- {reference}" for reference in self.references)
        return f"{self.text}\n\n## Sources\n{listing}" if listing else self.text


class Review(Record):
    """A reviewer's score (0 to 5) and critique (app. F.2)."""

    rating: Annotated[float, Field(ge=0, le=5)]
    text: str


class Severity(StrEnum):
    """How much a finding of a checker counts."""

    ERROR = "error"
    WARNING = "warning"


class ErrorKind(StrEnum):
    """The classes of errors (figs 44 and 45): those of format, then those of function."""

    SYNTAX = "syntax"
    TEMPLATE = "template"
    NO_UNIT = "no_unit"
    SEVERAL_UNITS = "several_units"
    WRONG_BASE = "wrong_base"
    WRONG_NAME = "wrong_name"
    ARGUMENTS = "arguments"
    FACTORY_KWARGS = "factory_kwargs"
    DECLARATIONS = "declarations"
    UNDECLARED_CHILD = "undeclared_child"
    UNUSED_CHILD = "unused_child"
    MISSING_UNIT = "missing_unit"
    TREE = "tree"
    NO_TEST = "no_test"
    NO_DOCSTRING = "no_docstring"
    OWN_MODULE = "own_module"
    FORBIDDEN = "forbidden"
    SLOW_LOOP = "slow_loop"

    LOADING = "loading"
    INITIALIZATION = "initialization"
    FORWARD = "forward"
    SHAPE = "shape"
    DTYPE = "dtype"
    NOT_FINITE = "not_finite"
    NONDETERMINISTIC = "nondeterministic"
    BATCH = "batch"
    STATE = "state"
    UNIT_TEST = "unit_test"
    BACKWARD = "backward"
    UNUSED_PARAMETER = "unused_parameter"
    ZERO_GRADIENT = "zero_gradient"
    CAUSALITY = "causality"
    DIVERGENCE = "divergence"
    NO_LEARNING = "no_learning"
    COST = "cost"
    MEMORY = "memory"
    SCALING = "scaling"
    TIMEOUT = "timeout"
    CRASH = "crash"

    @property
    def of_format(self) -> bool:
        """Whether reading the code is enough to find it (fig. 45), not running it (fig. 44)."""
        kinds = list(ErrorKind)
        return kinds.index(self) < kinds.index(ErrorKind.LOADING)


class Issue(Record):
    """One thing that a checker found.

    Attributes:
        check: Name of the check, a row of the paper's table 1.
        severity: Errors make a design invalid.
        kind: Its class of errors; None when it is of no class.
        unit: The unit at fault, or empty for the whole block.
        line: One-based line in the unit's file.
        message: What was found.
        hint: What to do about it.
        output: Captured output or traceback, cut to the unit's own frames.
    """

    check: str
    severity: Severity = Severity.ERROR
    kind: ErrorKind | None = None
    unit: str = ""
    line: int | None = None
    message: str
    hint: str = ""
    output: str = ""

    @property
    def file(self) -> str:
        """The unit's file in the design's folder; empty for the whole block."""
        return f"units/{self.unit}.py" if self.unit else ""

    @property
    def place(self) -> str:
        """``Unit:line``; empty for the whole block."""
        return self.unit if self.line is None or not self.unit else f"{self.unit}:{self.line}"

    @property
    def summary(self) -> str:
        """Check, place and message."""
        return f"{self.check}{' in ' if self.place else ''}{self.place}: {self.message}"

    def source(self, design: Design) -> str:
        """The line at fault in the code of a design; empty when it has none there."""
        lines = next((u.code.split("\n") for u in design.units if u.name == self.unit), [])
        return lines[self.line - 1] if self.line and 1 <= self.line <= len(lines) else ""

    @classmethod
    def of(
        cls,
        error: UnitError | TreeError,
        check: str = "parser",
        hint: str = "",
        kind: ErrorKind | None = None,
    ) -> Issue:
        """What an error says about source code that was read."""
        if isinstance(error, UnitError):
            place = {"unit": error.unit, "line": error.line, "message": error.message}
            return cls(check=check, kind=kind or ErrorKind.TEMPLATE, hint=hint, **place)
        return cls(check=check, kind=kind or ErrorKind.TREE, hint=hint, message=str(error))


class Repair(Record):
    """A change of a unit that a checker makes itself, as its meaning stays the same.

    Attributes:
        unit: The unit; it keeps its name.
        code: Its whole file afterwards.
        diff: From the file before, unified.
        reason: What was wrong.
    """

    unit: Name
    code: str
    diff: str
    reason: str


class CheckResult(Record):
    """That a check ran: its name, whether it passed, and how long it took in seconds."""

    check: str
    passed: bool
    seconds: FiniteFloat


class CheckReport(Record):
    """Everything the checkers say of a design (table 1).

    Attributes:
        results: The checks that ran, in order; a failed one ends the list.
        issues: What they found, in the design as repaired.
        repairs: What they changed, in order.
        checked: False when the machine, not the design, kept it from being checked.
    """

    results: list[CheckResult] = []
    issues: list[Issue] = []
    repairs: list[Repair] = []
    checked: bool = True

    @property
    def valid(self) -> bool:
        """Whether the design was checked, all checks passed, and no issue is an error."""
        passed = all(result.passed for result in self.results)
        return (
            self.checked and passed and all(i.severity is not Severity.ERROR for i in self.issues)
        )

    @property
    def summary(self) -> str:
        """The summary of the first error, which the others may follow from."""
        ranked = sorted(self.issues, key=lambda issue: issue.severity is not Severity.ERROR)
        return ranked[0].summary if ranked else "no reason was given"

    def followed_by(self, later: CheckReport) -> CheckReport:
        """This report and that of a checker asked afterwards, as one."""
        return CheckReport(
            results=[*self.results, *later.results],
            issues=[*self.issues, *later.issues],
            repairs=[*self.repairs, *later.repairs],
            checked=self.checked and later.checked,
        )

    def repaired(self, design: Design) -> Design:
        """The design with the repairs; its structural hash is open again if there are any.

        Raises:
            ValueError: The design has no unit that a repair names.
        """
        codes = {repair.unit: repair.code for repair in self.repairs}
        if lost := codes.keys() - {unit.name for unit in design.units}:
            raise ValueError(f"a repair names {min(lost)!r}, which is no unit of the design")
        if not codes:
            return design
        units = [Unit(name=u.name, code=codes.get(u.name, u.code)) for u in design.units]
        return design.model_copy(update={"units": units, "structural_hash": ""})


class Design(Record):
    """A GAU tree with its arguments and where it came from.

    Attributes:
        name: Unique in its evolution tree.
        root: Name of the root unit.
        units: All units, the root first.
        args: Arguments of the block.
        operator: How it was made.
        parents: Names of its parents.
        structural_hash: Equal for the same tree and code up to formatting.
        proposal: None for seeds.
        review: None for seeds.
        check: The checkers' report.
        index: Position in the order of creation; seeds come first.
    """

    name: Name
    root: Name
    units: list[Unit]
    args: list[Argument] = []
    operator: Operator = Operator.SEED
    parents: list[Name] = []
    structural_hash: str = ""
    proposal: Proposal | None = None
    review: Review | None = None
    check: CheckReport | None = None
    index: int = 0


class Subject(StrEnum):
    """What a scale trains on and is scored by: text with its tasks, or synthetic probes."""

    TEXT = "text"
    PROBES = "probes"


class Scale(Record):
    """One rung of the ladder.

    Attributes:
        name: E.g. ``0.1M``.
        n_block: Blocks of the GPT reference.
        d_model: Width of the GPT reference.
        tokens: Training tokens.
        learning_rate: Peak learning rate.
        trials: Verifications this rung may spend.
        seeds: Trainings of one verification, which differ in the seed only.
        trains: The subject.
    """

    name: str
    n_block: Annotated[int, Field(ge=1)]
    d_model: Annotated[int, Field(ge=16)]
    tokens: Annotated[int, Field(ge=1)]
    learning_rate: Annotated[float, Field(gt=0)]
    trials: Annotated[int, Field(ge=0)]
    seeds: Annotated[int, Field(ge=1)] = 1
    trains: Subject = Subject.TEXT

    @property
    def total_tokens(self) -> int:
        """Tokens of all trainings of one verification."""
        return self.tokens * self.seeds


def error_of_mean(values: Sequence[float]) -> float:
    """Standard error of the mean of values, from their spread; zero for fewer than two."""
    return stdev(values) / sqrt(len(values)) if len(values) > 1 else 0.0


# Metrics that count towards the fitness; the last is half of one plus Matthews' correlation.
ACCURACIES = frozenset({"acc", "acc_norm", "exact_match", "scaled_mcc"})


class Score(Record):
    """One task's result.

    Attributes:
        task: Name of the task.
        metric: E.g. ``acc`` or ``bits_per_byte``.
        value: The result; the mean over seeds.
        stderr: Its standard error, from the choice of items and, if there are several, of seeds;
            None when the task gives none.
        chance: What guessing gives; None when there is no such level.
        untrained: The same model before training; None when not measured.
        overlap: Share of the task's items whose text occurs in training; None when not looked for.
        by_seed: The result of each seed; empty for a single one.
    """

    task: str
    metric: str
    value: FiniteFloat
    stderr: FiniteFloat | None = None
    chance: FiniteFloat | None = None
    untrained: FiniteFloat | None = None
    overlap: FiniteFloat | None = None
    by_seed: list[FiniteFloat] = []

    @property
    def seed_error(self) -> float:
        """Standard error of the mean over seeds; zero for a single one."""
        return error_of_mean(self.by_seed)

    @property
    def item_error(self) -> float | None:
        """The part of ``stderr`` that comes from the choice of items."""
        if self.stderr is None:
            return None
        return sqrt(max(0.0, self.stderr**2 - self.seed_error**2))

    @property
    def is_accuracy(self) -> bool:
        """Whether it counts towards the fitness."""
        return self.metric in ACCURACIES


class CurvePoint(Record):
    """A point of the training curve: tokens seen, training loss in nats, gradient norm."""

    step: int
    tokens: int
    loss: FiniteFloat
    grad_norm: FiniteFloat


class Outcome(StrEnum):
    """How a verification ended. Only ``DESIGN_ERROR`` counts against the design."""

    OK = "ok"
    DESIGN_ERROR = "design_error"
    MACHINE_ERROR = "machine_error"


class Efficiency(Record):
    """What a design takes on sequences of one length.

    Attributes:
        design: Name of the design.
        length: Tokens of a sequence.
        rows: Sequences at a time.
        train_tokens_per_second: Of wall time, in whole training steps.
        train_memory_mb: Most memory that these held, with weights and optimiser, in MiB.
        prefill_tokens_per_second: Of wall time, in forward passes up to the last token's logits.
        prefill_memory_mb: Most memory that these held, with the weights, in MiB.
        prefill_bytes_per_token: Of tensors, that each token of the second half of a sequence adds
            to the most held in a forward pass.
        error: Why there is no measurement; else empty.
    """

    design: Name
    length: int
    rows: int
    train_tokens_per_second: FiniteFloat = 0.0
    train_memory_mb: FiniteFloat = 0.0
    prefill_tokens_per_second: FiniteFloat = 0.0
    prefill_memory_mb: FiniteFloat = 0.0
    prefill_bytes_per_token: FiniteFloat = 0.0
    error: str = ""


class VerificationReport(Record):
    """What came out of tuning, training and evaluating one design at one scale.

    Attributes:
        design: Name of the design.
        scale: Name of the scale.
        seed: Of initialisation and data order; the first of several.
        outcome: How it ended.
        error: What stopped it and at which step; empty when it ended well.
        n_block: Tuned number of blocks.
        embed_dim: Tuned width.
        parameters: Non-embedding parameters.
        flops: Floating-point operations of the blocks in a forward pass, per token of a training
            sequence; a training step takes about three times as many.
        tokens: Tokens trained on.
        scores: One per task.
        curve: The training curve, of the first seed.
        tokens_per_second: Of training.
        micro_batch: Sequences that training had in memory at a time; 0 if it is not known.
        precision: In what the blocks computed in training: ``float32`` or ``bf16``.
        compiled: Whether they were compiled for that.
        note: Why they were not, if they were to be.
        seconds: Wall time of the verification. Of one that was resumed it is that since then, and
            that of the training before its checkpoint.
        efficiency: What the GPT reference and the design take, by turns, at growing lengths.
        simulated: Whether nothing was trained, and all of this was made up by a simulation.
    """

    design: Name
    scale: str
    seed: int = 0
    outcome: Outcome = Outcome.OK
    error: str = ""
    n_block: int = 0
    embed_dim: int = 0
    parameters: int = 0
    flops: int = 0
    tokens: int = 0
    scores: list[Score] = []
    curve: list[CurvePoint] = []
    tokens_per_second: FiniteFloat = 0.0
    micro_batch: int = 0
    precision: str = ""
    compiled: bool = False
    note: str = ""
    seconds: FiniteFloat = 0.0
    efficiency: list[Efficiency] = []
    simulated: bool = False

    @property
    def fitness(self) -> float | None:
        """Mean accuracy over the tasks (eq. 1 at one scale); None unless it ended well."""
        values = [s.value for s in self.scores if s.is_accuracy]
        if self.outcome is not Outcome.OK or not values:
            return None
        return sum(values) / len(values)


class Forecast(Record):
    """What a design's loss should be at a scale that it has not been verified at.

    Attributes:
        design: Name of the design.
        scale: Name of the scale; empty when there is no larger one.
        compute: Floating-point operations of training there, about; None without a forecast.
        value: Bits per byte on held-out text; None without a forecast.
        error: Of ``value``: in two of three cases it is off by no more.
        basis: What the forecast rests on, or why there is none.
    """

    design: Name
    scale: str
    compute: FiniteFloat | None = None
    value: FiniteFloat | None = None
    error: FiniteFloat | None = None
    basis: str


class SessionEnd(StrEnum):
    """The states a session can end in (fig. 20)."""

    ACCEPTED = "accepted"
    REJECTED_BY_REVIEW = "rejected_by_review"
    REJECTED_BY_CHECKER = "rejected_by_checker"
    NOT_IMPLEMENTED = "not_implemented"
    NOT_NEW = "not_new"
    OVER_BUDGET = "over_budget"
    FAILED = "failed"


class Session(Record):
    """One designer's work on one child, from selection to accepted or abandoned.

    Attributes:
        index: Position in the run.
        seed: Everything random in the session hangs off it.
        selection: What it started from.
        end: How it ended.
        design: Name of the accepted design; empty otherwise.
        note: Why it ended so, in a sentence.
        seconds: Wall time.
        issues: What the checker found, when it rejected the design.
        proposal: The last one, of a session that made no design.
    """

    index: int
    seed: int
    selection: Selection
    end: SessionEnd
    design: str = ""
    note: str = ""
    seconds: FiniteFloat = 0.0
    issues: list[Issue] = []
    proposal: Proposal | None = None


class Benchmark(Record):
    """How fast this machine trains the reference at one scale.

    Attributes:
        scale: Name of the scale.
        n_block: Number of blocks.
        embed_dim: Width.
        parameters: Non-embedding parameters.
        step_seconds: Processor time of a forward and backward pass on one batch.
        precision: In which the blocks compute, e.g. ``float32``.
        tokens_per_second: Of wall time, in whole training steps.
        memory_mb: Most memory that these held, with weights and optimiser, in MiB.
    """

    scale: str
    n_block: int
    embed_dim: int
    parameters: int
    step_seconds: FiniteFloat
    precision: str
    tokens_per_second: FiniteFloat
    memory_mb: FiniteFloat
