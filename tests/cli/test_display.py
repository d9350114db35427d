from io import StringIO

import pytest
from rich.console import Console

from genesys.cli.display import Display
from genesys.cli.progress import Progress
from genesys.evolution.budget import BudgetSettings
from genesys.evolution.events import (
    Called,
    Held,
    Plan,
    Reported,
    Reviewed,
    RunEnded,
    RunOpened,
    SessionEnded,
    SessionStarted,
    StageEntered,
    TrainingProgress,
    UnitTried,
    VerificationEnded,
    VerificationStarted,
    WorkersChanged,
)
from genesys.evolution.tally import entries_of
from genesys.population.ledger import Entry, EntryKind
from genesys.population.population import Population
from genesys.records import (
    CurvePoint,
    Operator,
    Proposal,
    Review,
    Scale,
    Selection,
    Session,
    SessionEnd,
)
from genesys.session import UnitAttempt
from genesys.tape import Call

SCALES = (
    Scale(name="0.1M", n_block=2, d_model=64, tokens=400_000, learning_rate=2e-3, trials=16),
    Scale(name="0.3M", n_block=3, d_model=96, tokens=1_200_000, learning_rate=1e-3, trials=6),
)
POINT = CurvePoint(step=1, tokens=100_000, loss=5.25, grad_norm=1.0)


class Clock:
    """A clock that stands until it is turned."""

    now = 0.0

    def __call__(self):
        return self.now


@pytest.fixture()
def console():
    return Console(file=StringIO(), width=100, force_terminal=False)


def events(population):
    plan = Plan(BudgetSettings(), 24, 1.0, entries_of(population))
    yield RunOpened(Population(population.seeds), SCALES, 12, plan)
    designs = {d.name: d for d in population.designs}
    for session in population.sessions:
        yield SessionStarted(session.index, session.selection)
        yield StageEntered("propose")
        yield SessionEnded(session, designs.get(session.design))
    for report in population.reports:
        scale = next(s for s in SCALES if s.name == report.scale)
        yield VerificationStarted(report.design, scale)
        yield from (TrainingProgress(point) for point in report.curve)
        yield VerificationEnded(report)
    yield RunEnded(population)


def test_counts_what_happened(population):
    progress = Progress()
    for event in events(population):
        progress(event)
    assert (progress.made, progress.verified, progress.rejected, progress.failed) == (8, 7, 2, 1)
    assert progress.standing("0.3M").best.design == "hybrid-norm"
    assert progress.own.stage == "done"


def test_speed_is_that_of_the_training_under_way():
    clock = Clock()
    progress = Progress(clock=clock)
    progress(VerificationStarted("gpt2", SCALES[0]))
    for second in range(4):
        clock.now = float(second)
        progress(TrainingProgress(POINT.model_copy(update={"tokens": 20_000 * (second + 1)})))
    assert progress.own.tokens_per_second == pytest.approx(20_000)
    assert progress.own.fraction == pytest.approx(0.2)
    progress(VerificationStarted("mamba2", SCALES[0]))
    assert progress.own.tokens_per_second is None and progress.own.fraction is None


def test_all_seeds_of_a_verification_are_one_training(console):
    scale = SCALES[0].model_copy(update={"seeds": 4})
    progress = Progress()
    event = VerificationStarted("gpt2", scale)
    progress(event)
    progress(TrainingProgress(POINT.model_copy(update={"tokens": 800_000})))
    assert progress.own.fraction == pytest.approx(0.5)
    Display(console)(event)
    assert "verifying gpt2 at 0.1M (400k tokens × 4 seeds)" in console.file.getvalue()


def test_plain_lines_where_there_is_no_terminal(population, console):
    with Display(console) as display:
        for event in events(population):
            display(event)
    text = console.file.getvalue()
    lines = text.splitlines()
    assert "\x1b" not in text
    assert any("✔ new design gpt2-x-mamba2, crossover of gpt2 × mamba2" in line for line in lines)
    rejection = next(line for line in lines if "session 8" in line)
    assert "rejected by checker. causality in MHA:41: The output at position 12" in rejection
    assert any("hybrid-norm at 0.3M: accuracy 0.690, rank 1 of 3" in line for line in lines)
    assert any("unstable-exp at 0.1M failed: The loss became NaN" in line for line in lines)
    assert len(lines) < 60


def test_long_trainings_give_a_sign_of_life(console):
    clock = Clock()
    display = Display(console, timer=clock)
    display(VerificationStarted("gpt2", SCALES[0]))
    for second in range(100):
        clock.now = float(second)
        display(TrainingProgress(POINT))
    assert console.file.getvalue().count("25%, loss 5.25") == 3


def test_live_panel_shows_the_state(population, render):
    clock = Clock()
    display = Display(Console(file=StringIO()), timer=clock)
    for event in list(events(population))[:-1]:
        display(event)
    clock.now = 75.0
    shown = render(display.render(), 100)
    assert "8 of 12 designs made, 7 verified, 2 rejected, 1 failed in training" in shown
    assert "10 of 16" in shown and "3 of 6" in shown
    assert "hybrid-norm 0.652" in shown and "gpt2 0.620" in shown
    assert "1:15 elapsed, about" in shown
    assert max(map(len, shown.splitlines())) <= 100


def test_live_panel_before_anything_is_known(render):
    assert "0 designs made" in render(Display(Console(file=StringIO())).render())


def test_resumed_run_starts_from_what_is_there(population, console):
    display = Display(console)
    display(RunOpened(population, SCALES))
    assert "going on with 2 seeds and 8 designs" in console.file.getvalue()


def test_terminal_is_left_as_it_was():
    console = Console(file=StringIO(), force_terminal=True, width=80)
    with pytest.raises(KeyboardInterrupt), Display(console) as display:
        display(VerificationStarted("gpt2", SCALES[0]))
        raise KeyboardInterrupt
    text = console.file.getvalue()
    assert text.rindex("\x1b[?25h") > text.rindex("\x1b[?25l")


def test_hostile_text_never_reaches_the_terminal(hostile, console, render):
    live = Display(Console(file=StringIO()))
    plain = Display(console)
    evil = hostile.sessions[0].issues[0].message
    for display in (live, plain):
        display(RunOpened(Population(), SCALES))
        display(StageEntered("check", evil))
        display(SessionEnded(hostile.sessions[0], None))
        display(SessionEnded(hostile.sessions[0], hostile.designs[0]))
        display(VerificationEnded(hostile.reports[0]))
    for shown in (render(live.render()), console.file.getvalue()):
        assert "\x1b" not in shown and "\u202e" not in shown
        assert "alert(1)" in shown


def test_scratch_sessions_have_no_parents(console):
    display = Display(console)
    display(SessionStarted(0, Selection(operator=Operator.SCRATCH, designs=[])))
    assert console.file.getvalue() == ""


def session_events():
    """A session of language models that is given up."""
    selection = Selection(operator=Operator.SCRATCH, designs=[])
    proposal = Proposal(name="gate", abstract="", text="", operator=Operator.SCRATCH, parents=[])
    call = Call(
        session=3, role="coder", purpose="unit", unit="Gate", attempt=2, model="x/y", messages=[]
    )
    yield SessionStarted(3, selection, usd=0.5)
    yield Reviewed(3, proposal, Review(rating=3.0, text=""), accepted=False)
    yield Reviewed(3, proposal, Review(rating=4.5, text=""), accepted=True)
    yield UnitTried(3, UnitAttempt("Gate", 1, accepted=False, reason="format\nno \x1b[2Jdocstring"))
    yield Called(call, session_usd=0.75, run_usd=2.0)
    yield UnitTried(3, UnitAttempt("Gate", 2, accepted=True, rating=3.5))
    end = SessionEnd.NOT_IMPLEMENTED
    yield SessionEnded(Session(index=3, seed=0, selection=selection, end=end, note="No."), None)


def test_a_line_for_each_verdict_and_none_for_calls(console):
    display = Display(console)
    for event in session_events():
        display(event)
    lines = [line.split(maxsplit=1)[1] for line in console.file.getvalue().splitlines()]
    assert lines == [
        "✘ session 3: gate rated 3 of 5, turned down",
        "✔ session 3: gate rated 4.5 of 5",
        "✘ session 3: Gate, attempt 1: format no docstring",
        "✔ session 3: Gate, attempt 2: passed, rated 3.5 of 5",
        "✘ session 3, a design from scratch: not implemented, 0.7500 USD. No.",
    ]


def test_live_panel_shows_role_unit_rating_and_cost(render):
    display = Display(Console(file=StringIO()))
    for event in list(session_events())[:-1]:
        display(event)
    shown = " ".join(render(display.render(), 100).split())
    assert "coder unit, Gate, attempt 2 (x/y)" in shown
    assert "0.7500 USD in this session, last rating 3.5 of 5" in shown
    assert "spent 2.00 USD" in shown
    assert "USD" not in render(Display(Console(file=StringIO())).render())


def crew_events(population, workers):
    """A run with several workers, the last of which trains."""
    opened = Entry(time=0.0, kind=EntryKind.OPENED)
    costs = {"worker": workers[0], "usd": 0.5, "tokens": 1000}
    entries = [opened, *(e.model_copy(update=costs) for e in entries_of(population))]
    caps = BudgetSettings(usd=10.0, tokens=1_000_000, device_hours=3.0)
    yield RunOpened(population, SCALES, 12, Plan(caps, 24, 1.0, entries))
    yield WorkersChanged(tuple(workers))
    for number, worker in enumerate(workers[:-1]):
        session = SessionStarted(10 + number, Selection(operator=Operator.SCRATCH, designs=[]))
        yield Reported(worker, session)
    yield Reported(workers[-1], VerificationStarted("gpt2", SCALES[0]))
    yield Reported(workers[-1], TrainingProgress(POINT))


def test_each_worker_has_a_line(population, render):
    clock = Clock()
    display = Display(Console(file=StringIO()), timer=clock)
    workers = ["designer-1", "designer-2", "verifier-1"]
    for event in crew_events(population, workers):
        display(event)
    clock.now = 61.0
    lines = [" ".join(line.split()) for line in render(display.render(), 80).splitlines()]
    assert lines[1] == "│ designer-1 select session 10, scratch 1:01 │"
    assert lines[3].startswith("│ verifier-1 verify gpt2 at 0.1M ━")
    shown = "\n".join(lines)
    assert "spent 5.00 of 10 USD, 10k of 1M tokens, 0.111 of 3 device-hours" in shown
    assert "pace 1.4 verifications per design, target 1" in shown
    # Five more designs at seven of ten sessions, at half a dollar each.
    assert "forecast 8.57 USD (" in shown
    display(Held("the run is paused"))
    display(WorkersChanged(("verifier-1",)))
    lines = [" ".join(line.split()) for line in render(display.render(), 80).splitlines()]
    assert lines[1].startswith("│ verifier-1 verify gpt2 at 0.1M ━")
    assert "│ waiting: the run is paused │" in lines


def test_many_workers_have_as_many_lines_as_there_is_room(population, render):
    display = Display(Console(file=StringIO(), width=80, height=30))
    for event in crew_events(population, [f"worker-{n}" for n in range(40)]):
        display(event)
    shown = render(display.render(), 80)
    assert "worker-9 " in shown and "worker-10" not in shown
    assert "and 30 more, 30 of them busy" in shown


def test_workers_in_plain_lines(population, console):
    clock = Clock()
    display = Display(console, timer=clock)
    for event in crew_events(population, ["designer-1", "verifier-1"]):
        display(event)
    clock.now = 40.0
    display(Reported("verifier-1", TrainingProgress(POINT)))
    display(Reported("designer-1", list(session_events())[3]))
    display(WorkersChanged(("designer-1",)))
    display(WorkersChanged(("designer-1",)))
    display(Held("the run is paused"))
    display(Held(""))
    lines = [line.split(maxsplit=1)[1] for line in console.file.getvalue().splitlines()[1:]]
    assert lines == [
        "· designer-1, verifier-1 joined: 2 workers",
        "· verifier-1: verifying gpt2 at 0.1M (400k tokens)",
        "· 2 workers: 1 select, 1 verify (25%); 8 of 12 designs, 7 verified",
        "✘ designer-1: session 3: Gate, attempt 1: format no docstring",
        "· verifier-1 left: 1 worker",
        "· waiting: the run is paused",
        "· going on",
    ]


def test_a_worker_rests_when_its_attempt_has_ended(population):
    progress, entries = Progress(), []
    progress(RunOpened(population, SCALES, 12, Plan(BudgetSettings(), 24, 1.0, entries)))
    for worker in ("verifier-1", "verifier-2"):
        progress(Reported(worker, VerificationStarted("gpt2", SCALES[0])))
    known = {"job": 0, "work": "verification", "worker": "verifier-1"}
    entries.append(Entry.model_validate({"time": 0.0, "kind": EntryKind.FAILED, **known}))
    progress(Held(""))
    assert [worker.busy for worker in progress.workers.values()] == [False, True]
