"""The command ``genesys``. Commands import what they need when they run."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from genesys.cli.contributed import Commands
from genesys.cli.errors import print_error
from genesys.cli.roles import Role
from genesys.errors import GenesysError
from genesys.population.by import By

app = typer.Typer(
    cls=Commands,
    help="Discovers language-model architectures.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)

Run = Annotated[
    Path | None,
    typer.Option("--run", "-r", help="The run's folder; the newest below runs/ by default."),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
PASS_ON = {"allow_extra_args": True, "ignore_unknown_options": True, "help_option_names": []}
OVERRIDES = "[OVERRIDES]..."


def main() -> None:
    """Run the command line; a ``GenesysError`` is printed as one message, exit status 1."""
    try:
        app()
    except GenesysError as error:
        print_error(error)
        sys.exit(1)


@app.command(context_settings=PASS_ON, options_metavar=OVERRIDES)
def evolve(context: typer.Context) -> None:
    """Discover designs. Takes Hydra's overrides and flags: experiment=demo, -m seed=1,2, --help."""
    from genesys.cli.evolve import evolve

    sys.exit(evolve(context.args))


RunFolder = Annotated[
    Path | None, typer.Argument(help="The run's folder; the newest below runs/ by default.")
]


@app.command()
def runs(
    folder: Annotated[Path, typer.Argument(help="Runs below this folder.")] = Path("runs"),
    as_json: AsJson = False,
) -> None:
    """List runs: what they are doing, how far they are, and what they cost."""
    from genesys.cli.overview import runs

    runs(folder, as_json)


@app.command()
def pause(
    run: RunFolder = None,
    wait: Annotated[bool, typer.Option("--wait", help="Until nothing is under way.")] = False,
) -> None:
    """Have a run begin no further job; those under way go on."""
    from genesys.cli.runs import find_run
    from genesys.cli.steering import want
    from genesys.evolution.control import Wish

    want(find_run(run), Wish.PAUSE, wait)


@app.command()
def stop(
    run: RunFolder = None,
    wait: Annotated[bool, typer.Option("--wait", help="Until it has ended.")] = False,
) -> None:
    """Have a run end once the jobs under way have."""
    from genesys.cli.runs import find_run
    from genesys.cli.steering import want
    from genesys.evolution.control import Wish

    want(find_run(run), Wish.STOP, wait)


@app.command()
def resume(run: RunFolder = None) -> None:
    """Go on with a run that is paused, was stopped or was interrupted."""
    from genesys.cli.runs import find_run
    from genesys.cli.steering import resume

    sys.exit(resume(find_run(run)))


@app.command()
def workers(
    run: RunFolder = None,
    designers: Annotated[int | None, typer.Option(min=0, help="Workers that design.")] = None,
    verifiers: Annotated[int | None, typer.Option(min=0, help="Workers that verify.")] = None,
) -> None:
    """Change how many workers a run has, while it goes on."""
    from genesys.cli.runs import find_run
    from genesys.cli.steering import workers

    workers(find_run(run), designers, verifiers)


@app.command(context_settings={"allow_extra_args": True}, options_metavar="[OVERRIDES]...")
def fork(
    context: typer.Context,
    run: Annotated[Path, typer.Argument(help="The run's folder; it is only read.")],
    out: Annotated[Path, typer.Argument(help="The new run's folder; new or empty.")],
    generation: Annotated[
        int | None, typer.Option(min=1, help="As it was when this generation began.")
    ] = None,
    designs: Annotated[
        int | None, typer.Option(min=0, help="As it was when so many new designs were made.")
    ] = None,
) -> None:
    """Begin a run with what another one has: its designs, reports and sessions.

    What follows overrides that run's config, e.g. selector=random seed=3 generations=5.
    """
    from genesys.cli.fork import fork
    from genesys.evolution.fork import Moment

    if generation is not None and designs is not None:
        raise typer.BadParameter("takes no --designs beside it", param_hint="--generation")
    fork(run, out, context.args, Moment(generation, designs))


@app.command()
def audit(run: RunFolder = None) -> None:
    """Say what of a run's folder does not fit together. Exit status 1 if there is something."""
    from genesys.cli.audit import audit
    from genesys.cli.runs import find_run

    sys.exit(audit(find_run(run)))


@app.command()
def plugins(as_json: AsJson = False) -> None:
    """List the plugins that are installed."""
    from genesys.cli.plugins import plugins

    plugins(as_json)


@app.command()
def leaderboard(run: Run = None) -> None:
    """Rank the designs of a run at each scale."""
    from rich.console import Console

    from genesys.cli.leaderboard import leaderboard
    from genesys.cli.runs import population_of

    Console().print(leaderboard(population_of(run)))


@app.command()
def cost(
    run: Run = None,
    by: Annotated[By, typer.Option(help="What calls are told apart by.")] = By.ROLE,
    as_json: AsJson = False,
) -> None:
    """Show what language models cost a run: calls, tokens and USD, and what came of them."""
    from genesys.cli.cost import cost
    from genesys.cli.runs import find_run

    cost(find_run(run), by, as_json)


@app.command()
def ledger(
    run: Run = None,
    last: Annotated[int, typer.Option("--last", "-n", min=0, help="Entries; 0 for all.")] = 40,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on until Ctrl-C.")] = False,
    as_json: AsJson = False,
) -> None:
    """Print what a run has decided and done, and why, newest last: jobs, attempts, workers."""
    from genesys.cli.ledger import ledger
    from genesys.cli.runs import find_run

    ledger(find_run(run), last, follow, as_json)


@app.command()
def show(
    name: Annotated[str, typer.Argument(help="A design, or session:N for what was said in it.")],
    run: Run = None,
    code: Annotated[bool, typer.Option("--code", help="Show the code of all units.")] = False,
    unit: Annotated[str, typer.Option(help="Show the code of this unit.")] = "",
    as_json: AsJson = False,
) -> None:
    """Show a design: tree, proposal, parents, checks, reports and code; or a session's calls."""
    from genesys.cli.conversation import PREFIX, show_session
    from genesys.cli.runs import find_run
    from genesys.cli.show import show

    if name.startswith(PREFIX):
        show_session(find_run(run), name, as_json)
    else:
        show(find_run(run), name, code, unit, as_json)


@app.command(context_settings={"allow_extra_args": True})
def check(
    context: typer.Context,
    path: Annotated[Path, typer.Argument(help="Design folder, unit file, or gab.py.")],
    as_json: AsJson = False,
    for_llm: Annotated[bool, typer.Option("--llm", help="Print what an agent is told.")] = False,
    repair: Annotated[bool, typer.Option("--repair", help="Repair the files.")] = False,
) -> None:
    """Check a design or a unit. Exit status: 0 valid, 1 invalid, 2 could not be checked.

    A unit file is checked with the units it calls, as far as their files lie beside it. What
    follows the path overrides the config, e.g. checker.symbolic.placeholders=warning.
    """
    from genesys.cli.check import Form, check
    from genesys.cli.config import checker_of

    if as_json and for_llm:
        raise typer.BadParameter("takes no --llm beside it", param_hint="--json")
    form = Form.JSON if as_json else Form.LLM if for_llm else Form.PERSON
    sys.exit(check(path, checker_of(context.args), form, repair))


@app.command(context_settings={"allow_extra_args": True}, options_metavar="[OVERRIDES]...")
def design(
    context: typer.Context,
    run: Run = None,
    as_json: AsJson = False,
) -> None:
    """Make one design outside a run. Exit status: 0 made, 1 given up, 2 could not be done.

    Takes parents=NAME or parents=[NAME,NAME] (seeds, design folders, or a run's designs; none for
    one from scratch), operator=mutation, and overrides of the config: agent=team llm=openai seed=1.
    """
    from genesys.cli.design import design

    sys.exit(design(context.args, run, as_json))


@app.command(context_settings={"allow_extra_args": True}, options_metavar="[OVERRIDES]...")
def agents(
    context: typer.Context,
    run: Run = None,
    as_json: AsJson = False,
) -> None:
    """Compare variants of the agents on a run's proposals: valid, attempts, cost, lines of code.

    Each variant implements every proposal anew, from its parents. Takes overrides of the config
    with experiment=agents_bench, e.g. agents_bench.proposals=10 llm=openai. The same command goes
    on where it stopped.
    """
    from genesys.cli.agents import agents
    from genesys.cli.runs import find_run

    agents(find_run(run), context.args, as_json)


@app.command(context_settings={"allow_extra_args": True})
def verify(
    context: typer.Context,
    design: Annotated[str, typer.Argument(help="A seed, a design folder, or a run's design.")],
    run: Run = None,
    no_check: Annotated[bool, typer.Option("--no-check", help="Do not check it first.")] = False,
    as_json: AsJson = False,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Also write the report to this file.")
    ] = None,
) -> None:
    """Tune, train and evaluate a design. Exit status: 0 done, 1 its fault, 2 could not be done.

    What follows the design overrides the config: scale=0.3M (the smallest by default), seed=1,
    verifier.keep_weights=true ...
    """
    from genesys.cli.verify import verify

    sys.exit(verify(design, context.args, run, not no_check, as_json, output))


@app.command(context_settings={"allow_extra_args": True}, options_metavar="[DESIGN] [OVERRIDES]...")
def benchmark(
    context: typer.Context,
    run: Run = None,
    lengths: Annotated[
        list[int] | None,
        typer.Option("--length", "-l", min=2, help="Tokens of a sequence; 128, 512 and 2048."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Measure how fast this machine trains the GPT reference at each scale, or a design beside it.

    Without a design, what verifications go by is measured anew.

    With one, it measures training and prefill at several lengths, at scale=NAME.
    """
    from genesys.cli.benchmark import benchmark

    sys.exit(benchmark(context.args, run, lengths or (), as_json))


@app.command("eval", context_settings={"allow_extra_args": True})
def evaluate(
    context: typer.Context,
    folder: Annotated[Path, typer.Argument(help="Where a verification has kept a model.")],
    as_json: AsJson = False,
) -> None:
    """Score a trained model again, e.g. on other tasks. Exit status as of verify.

    Its code runs in a sandbox only. What follows overrides the config.
    """
    from genesys.cli.evaluate import evaluate

    sys.exit(evaluate(folder, context.args, as_json))


@app.command(context_settings={"allow_extra_args": True})
def export(
    context: typer.Context,
    folder: Annotated[Path, typer.Argument(help="Where a verification has kept a model.")],
    out: Annotated[Path, typer.Argument(help="The folder to write; new or empty.")],
) -> None:
    """Write a trained model as a folder that transformers and plain torch load without Genesys.

    The design's code is copied and not run. What follows overrides the config.
    """
    from genesys.cli.export import export

    export(folder, out, context.args)


@app.command()
def report(
    run: Run = None,
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="The file; report.html in the run's folder.")
    ] = None,
) -> None:
    """Write the report of a run: one HTML file that needs nothing else."""
    from genesys.cli.report import write_report
    from genesys.cli.runs import find_run, population_of
    from genesys.population.metrics import of_run

    folder = find_run(run)
    population = population_of(folder)
    tables = of_run.read(folder, population)
    file = out or folder / "report.html"
    typer.echo(write_report(population, file, title=folder.name, tables=tables))


@app.command()
def metrics(
    run: Run = None,
    published: Annotated[
        Path | None, typer.Option(help="Instead of a run: JSON of the paper's published designs.")
    ] = None,
    size: Annotated[int, typer.Option(min=1, help="Designs in a generation.")] = 50,
    step: Annotated[int, typer.Option(min=1, help="Designs from one generation to the next.")] = 25,
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="A folder for all tables: CSV and Parquet.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Show what a population looks like: progress, errors, costs, workers, tree, tasks, units."""
    from genesys.cli.metrics import metrics
    from genesys.cli.runs import find_run
    from genesys.population.metrics import of_run
    from genesys.population.metrics.published import published as read

    tables = read(published) if published else of_run.read(find_run(run))
    metrics(tables, size, step, out, as_json)


@app.command()
def compare(
    folder: Annotated[
        Path | None, typer.Argument(help="Of a multirun; the newest below runs/ by default.")
    ] = None,
    by: Annotated[
        list[str] | None,
        typer.Option(help="Config group or key that tells runs apart; may be given twice."),
    ] = None,
    size: Annotated[int, typer.Option(min=1, help="Designs in a generation.")] = 50,
    step: Annotated[int, typer.Option(min=1, help="Designs from one generation to the next.")] = 25,
    designs: Annotated[
        int | None, typer.Option(min=1, help="Only the first so many verified designs of a run.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="The folder to write; comparison in FOLDER.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Compare the runs of a multirun: figures with intervals over seeds, and a page with curves."""
    from genesys.cli.compare import compare

    compare(folder, by or (), size, step, designs, out, as_json)


@app.command()
def replay(
    run: Run = None,
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="The folder to write; <run>-replay.")
    ] = None,
) -> None:
    """Hold the sessions of a run again from what it kept, and compare: no network, no key, no cost.

    The selector and the agents decide anew; language models, searches, checkers and the verifier
    answer what they answered then.
    """
    from genesys.cli.replay import replay
    from genesys.cli.runs import find_run

    replay(find_run(run), out)


@app.command(context_settings={"allow_extra_args": True})
def doctor(context: typer.Context, as_json: AsJson = False) -> None:
    """Try how generated code is confined here, and say what this machine has.

    Takes overrides of the config, e.g. sandbox.backend=bubblewrap. Exit status: 0 if generated code
    can be confined, 1 if not.
    """
    from genesys.cli.doctor import doctor

    sys.exit(doctor(context.args, as_json))


@app.command()
def worker(
    run: Run = None,
    role: Annotated[Role, typer.Option(help="What it is to do.")] = Role.BOTH,
    connect: Annotated[
        str, typer.Option(help="host:port of the run, where its folder cannot be read from here.")
    ] = "",
    key_file: Annotated[
        Path | None,
        typer.Option(help="File with the run's key; the variable GENESYS_WORKER_KEY by default."),
    ] = None,
    threads: Annotated[
        int | None, typer.Option(min=1, help="CPU threads of guests that bring no limits.")
    ] = None,
) -> None:
    """Join a run that is under way with executor=local or executor=ray, and do jobs of it.

    Ctrl-C leaves it when the job under way is done, Ctrl-C again at once.
    """
    from genesys.cli.worker import work

    sys.exit(work(run, role, connect, key_file, threads))


corpus = typer.Typer(help="Build a corpus, or see what is in one.", no_args_is_help=True)
app.add_typer(corpus, name="corpus")


@corpus.command("build", context_settings={"allow_extra_args": True})
def corpus_build(
    context: typer.Context,
    rebuild: Annotated[bool, typer.Option("--rebuild", help="Even if it is there.")] = False,
    as_json: AsJson = False,
) -> None:
    """Build a corpus unless it is there; a build that was stopped goes on.

    Takes overrides of the config, e.g. corpus=files corpus.folder=texts corpus.vocab_size=8192.
    """
    from genesys.cli.corpus import build

    build(context.args, rebuild, as_json)


@corpus.command("info", context_settings={"allow_extra_args": True})
def corpus_info(
    context: typer.Context,
    check: Annotated[bool, typer.Option("--check", help="Compare hashes, too.")] = False,
    as_json: AsJson = False,
) -> None:
    """Show documents, bytes and tokens of a corpus, and whether its files are as they were built.

    Takes overrides of the config, e.g. corpus=files corpus.folder=texts.
    """
    from genesys.cli.corpus import info

    info(context.args, check, as_json)


designs = typer.Typer(help="Take designs out of a run, or make seeds.", no_args_is_help=True)
app.add_typer(designs, name="designs")


@designs.command("export")
def designs_export(
    out: Annotated[Path, typer.Argument(help="The folder to write; new or empty.")],
    names: Annotated[list[str] | None, typer.Argument(help="Of designs; all by default.")] = None,
    run: Run = None,
    original: Annotated[
        bool, typer.Option("--original", help="As JSON, in the form of the original system.")
    ] = False,
) -> None:
    """Write designs of a run as folders that can be seeds."""
    from genesys.cli.exchange import export
    from genesys.cli.runs import population_of
    from genesys.population.exchange import Form

    form = Form.ORIGINAL if original else Form.FOLDERS
    export(population_of(run), out, names or (), form)


@designs.command("import")
def designs_import(
    source: Annotated[Path, typer.Argument(help="A design's folder, or a folder of such.")],
    out: Annotated[Path, typer.Argument(help="Where to make the designs' folders.")],
    as_json: AsJson = False,
) -> None:
    """Make folders that can be seeds of designs in either form. Their code is not run.

    Takes design folders, and what the original system publishes. Exit status 1 if a design could
    not be imported.
    """
    from genesys.cli.exchange import import_

    sys.exit(import_(source, out, as_json))


if __name__ == "__main__":
    main()
