import shutil
from difflib import unified_diff
from io import StringIO

import pytest
from rich.console import Console

from genesys.cli.check import Form, check
from genesys.cli.source import Source
from genesys.errors import SandboxError
from genesys.feedback import feedback
from genesys.gau.compose import compose
from genesys.gau.folder import load_tree
from genesys.plugins import Plugins
from genesys.records import CheckReport, CheckResult, Issue, Repair, Severity
from genesys.sandbox import Sandbox
from genesys_checkers.execution import ExecutionChecker
from genesys_checkers.format import FormatChecker

GOOD = CheckReport(results=[CheckResult(check="parser", passed=True, seconds=0.01)])
LEAK = Issue(
    check="causality",
    unit="MHA",
    line=30,
    message="The output at position 12 changes with the input at position 40.",
    hint="Mask before the softmax.",
    output="Traceback\n  in _forward",
)
BAD = CheckReport(
    results=[*GOOD.results, CheckResult(check="causality", passed=False, seconds=1.5)],
    issues=[LEAK],
)


@pytest.fixture()
def run():
    def checked(path, answer=GOOD, form=Form.PERSON, repair=False):
        def checker(design):
            if isinstance(answer, Exception):
                raise answer
            return answer

        console = Console(file=StringIO(), width=160)
        code = check(path, checker, form, repair, console)
        return code, console.file.getvalue()

    return checked


def test_valid_folder(run, seeds):
    code, text = run(seeds / "gpt2")
    assert code == 0 and "✔ parser" in text and "Valid. 1 checks in 0.01 s." in text


def test_invalid_names_file_line_and_expectation(run, seeds):
    code, text = run(seeds / "gpt2", BAD)
    assert code == 1
    assert f"{seeds / 'gpt2' / 'units' / 'MHA.py'}:30" in text
    assert "Mask before the softmax." in text and "in _forward" in text
    assert "Invalid: 1 error." in text


def test_places_are_not_torn_apart(seeds):
    console = Console(file=StringIO(), width=30)
    check(seeds / "gpt2", lambda design: BAD, console=console)
    assert f"{seeds / 'gpt2' / 'units' / 'MHA.py'}:30" in console.file.getvalue()


def test_warnings_are_shown_and_do_not_count(run, seeds):
    warning = LEAK.model_copy(update={"severity": Severity.WARNING})
    code, text = run(seeds / "gpt2", GOOD.model_copy(update={"issues": [warning]}))
    assert code == 0 and "warning causality" in text


def test_unit_file_with_what_it_calls(run, seeds):
    file = seeds / "gpt2" / "units" / "MHA.py"
    code, text = run(file, BAD)
    assert code == 1 and f"{file}:30" in text
    units = [unit.name for unit in Source.read(file).design.units]
    assert units == ["MHA", "RotaryPositionalEmbeddings"]


def test_unit_file_alone(run, seeds, tmp_path):
    shutil.copy(seeds / "gpt2" / "units" / "MHA.py", tmp_path)
    assert [unit.name for unit in Source.read(tmp_path / "MHA.py").design.units] == ["MHA"]


def test_syntax_error_in_a_file_beside(run, seeds, tmp_path):
    shutil.copy(seeds / "gpt2" / "units" / "MHA.py", tmp_path)
    beside = tmp_path / "RotaryPositionalEmbeddings.py"
    beside.write_text("# GAU_IMPLEMENTATION_FILE\n\ndef (\n")
    code, text = run(tmp_path / "MHA.py")
    assert code == 1 and f"{beside}:3" in text


def test_a_file_beside_with_another_name(run, seeds, tmp_path):
    shutil.copy(seeds / "gpt2" / "units" / "MHA.py", tmp_path)
    shutil.copy(seeds / "gpt2" / "units" / "RMSNorm.py", tmp_path / "RotaryPositionalEmbeddings.py")
    code, text = run(tmp_path / "MHA.py")
    assert code == 1 and "'RMSNorm' is filed under the name 'RotaryPos" in text


def test_composed_block(run, seeds, tmp_path):
    file = tmp_path / "gab.py"
    file.write_text(compose(load_tree(seeds / "gpt2")))
    assert Source.read(file).design.root == "GPT2"
    code, text = run(file, BAD)
    place = text.split("gab.py:")[1].split()[0]
    own_line = (seeds / "gpt2" / "units" / "MHA.py").read_text().splitlines()[29]
    assert code == 1 and file.read_text().splitlines()[int(place) - 1] == own_line


def test_syntax_error_is_invalid_with_its_line(run, seeds, tmp_path):
    shutil.copytree(seeds / "gpt2", tmp_path / "broken")
    unit = tmp_path / "broken" / "units" / "RMSNorm.py"
    unit.write_text(unit.read_text() + "\ndef broken(:\n")
    code, text = run(tmp_path / "broken")
    line = len(unit.read_text().splitlines())
    assert code == 1 and f"RMSNorm.py:{line}" in text and "✘ parser" in text


def test_a_file_that_is_no_unit(run, tmp_path):
    file = tmp_path / "other.py"
    file.write_text("print('hello')\n")
    code, text = run(file)
    assert code == 1 and "GAU_IMPLEMENTATION_FILE" in text


def test_bad_name_is_invalid(run, seeds, tmp_path):
    shutil.copytree(seeds / "gpt2", tmp_path / "named")
    file = tmp_path / "named" / "design.yaml"
    file.write_text(file.read_text().replace("name: gpt2", "name: ../etc"))
    code, text = run(tmp_path / "named")
    assert code == 1 and "../etc" in text


@pytest.mark.parametrize("name", ["nowhere", "empty", "binary.py"])
def test_what_cannot_be_read_cannot_be_checked(run, tmp_path, name):
    (tmp_path / "empty").mkdir()
    (tmp_path / "binary.py").write_bytes(b"\xff\xfe\x00")
    code, text = run(tmp_path / name)
    assert code == 2 and name in text and "Could not be checked." in text


def test_fault_of_the_machine(run, seeds):
    code, text = run(seeds / "gpt2", SandboxError("This kernel has no Landlock."))
    assert code == 2 and "This kernel has no Landlock." in text
    assert run(seeds / "gpt2", CheckReport(checked=False))[0] == 2


@pytest.mark.parametrize(
    ("answer", "expected"), [(GOOD, 0), (BAD, 1), (SandboxError("No room."), 2)]
)
def test_json_is_the_report(run, seeds, answer, expected):
    code, text = run(seeds / "gpt2", answer, form=Form.JSON)
    report = CheckReport.model_validate_json(text)
    assert code == expected
    assert (report.valid, report.checked) == (expected == 0, expected < 2)


def test_hostile_issues_are_shown_as_text(run, seeds, hostile):
    issues = hostile.sessions[0].issues
    code, text = run(seeds / "gpt2", CheckReport(issues=issues))
    assert code == 1 and "\x1b" not in text and "[bold red]x[/]" in text
    code, text = run(seeds / "gpt2", CheckReport(issues=issues), form=Form.JSON)
    assert code == 1 and "\x1b" not in text


def repairing(seeds, unit="MHA", line=5, text="import math  # repaired"):
    """A report with one repair of a seed's unit: a line that is put in."""
    before = (seeds / "gpt2" / "units" / f"{unit}.py").read_text()
    lines = before.splitlines(keepends=True)
    after = "".join([*lines[: line - 1], f"{text}\n", *lines[line - 1 :]])
    diff = "\n".join(unified_diff(before.split("\n"), after.split("\n"), "a", "b", lineterm=""))
    return CheckReport(
        results=GOOD.results,
        repairs=[Repair(unit=unit, code=after, diff=diff, reason="A line was missing.")],
    )


def test_repairs_are_shown_and_the_files_stay(run, seeds, tmp_path):
    shutil.copytree(seeds / "gpt2", tmp_path / "gpt2")
    report = repairing(seeds)
    code, text = run(tmp_path / "gpt2", report)
    assert code == 0 and "repair  MHA" in text and "A line was missing." in text
    assert "+import math  # repaired" in text and "--repair makes them" in text
    assert contents(tmp_path / "gpt2") == contents(seeds / "gpt2")


def test_repairs_are_made_in_the_unit_files_alone(run, seeds, tmp_path):
    shutil.copytree(seeds / "gpt2", tmp_path / "gpt2")
    report = repairing(seeds)
    code, text = run(tmp_path / "gpt2", report, repair=True)
    file = tmp_path / "gpt2" / "units" / "MHA.py"
    assert code == 0 and f"Repaired {file}" in text and "--repair makes" not in text
    expected = {**contents(seeds / "gpt2"), "units/MHA.py": report.repairs[0].code.encode()}
    assert contents(tmp_path / "gpt2") == expected


def test_repairs_of_a_unit_file_and_what_it_calls(run, seeds, tmp_path):
    for name in ("MHA", "RotaryPositionalEmbeddings"):
        shutil.copy(seeds / "gpt2" / "units" / f"{name}.py", tmp_path)
    mine, beside = repairing(seeds), repairing(seeds, "RotaryPositionalEmbeddings")
    assert run(tmp_path / "MHA.py", mine.followed_by(beside), repair=True)[0] == 0
    assert (tmp_path / "MHA.py").read_text() == mine.repairs[0].code
    assert (tmp_path / "RotaryPositionalEmbeddings.py").read_text() == beside.repairs[0].code
    assert len(list(tmp_path.iterdir())) == 2


def test_repairs_of_a_composed_block(run, seeds, tmp_path):
    file = tmp_path / "gab.py"
    file.write_text(compose(load_tree(seeds / "gpt2")))
    report = repairing(seeds)
    code, text = run(file, report, repair=True)
    assert code == 0 and f"Repaired {file}" in text
    units = {unit.name: unit.code for unit in Source.read(file).design.units}
    assert units["MHA"] == report.repairs[0].code


def test_places_are_those_in_the_files(run, seeds, tmp_path):
    shutil.copytree(seeds / "gpt2", tmp_path / "gpt2")
    report = repairing(seeds).followed_by(CheckReport(issues=[LEAK]))
    source = report.repairs[0].code.split("\n")[LEAK.line - 1].strip()
    code, text = run(tmp_path / "gpt2", report)
    assert code == 1 and "MHA.py:29" in text and source in text
    code, text = run(tmp_path / "gpt2", report, repair=True)
    assert code == 1 and "MHA.py:30" in text and source in text


def test_an_agent_is_told(run, seeds):
    report = repairing(seeds).followed_by(BAD)
    code, text = run(seeds / "gpt2", report, Form.LLM)
    assert code == 1 and text.strip() == feedback(report, Source.read(seeds / "gpt2").design)


def test_an_invalid_design_can_be_repaired(run, seeds, tmp_path):
    """Code that is no unit yet goes to the checkers as it is."""
    good = (seeds / "gpt2" / "units" / "RMSNorm.py").read_text()
    file = tmp_path / "RMSNorm.py"
    file.write_text(good.split("\n", 1)[1])
    repair = Repair(unit="RMSNorm", code=good, diff="", reason="The first line was missing.")
    assert run(file)[0] == 1
    assert run(file, CheckReport(repairs=[repair]), repair=True)[0] == 0
    assert file.read_text() == good


def contents(folder):
    return {str(f.relative_to(folder)): f.read_bytes() for f in folder.rglob("*.*") if f.is_file()}


@pytest.fixture()
def read():
    """As ``run``, with the checker that reads code and runs none."""
    plugins = Plugins({"checker.format": FormatChecker()})

    def checked(path, **options):
        console = Console(file=StringIO(), width=160)
        code = check(path, lambda design: plugins.check(design, None), console=console, **options)
        return code, console.file.getvalue()

    return checked


def test_a_unit_that_is_not_there_is_named(read, seeds, tmp_path):
    shutil.copytree(seeds / "gpt2", tmp_path / "partial")
    (tmp_path / "partial" / "units" / "RMSNorm.py").unlink()
    code, text = read(tmp_path / "partial")
    assert code == 1 and "RMSNorm" in text and "missing unit" in text


def test_a_repaired_folder_needs_no_repair(read, seeds, tmp_path):
    shutil.copytree(seeds / "gpt2", tmp_path / "gpt2")
    file = tmp_path / "gpt2" / "units" / "MHA.py"
    good = file.read_text()
    file.write_text(good.replace("bias=False, **self.factory_kwargs", "bias=False"))
    code, text = read(tmp_path / "gpt2")
    assert code == 0 and "-        self.qkv = nn.Linear" in text and "--repair makes them" in text
    assert read(tmp_path / "gpt2", repair=True)[0] == 0
    assert file.read_text() == good
    assert "--repair" not in read(tmp_path / "gpt2")[1]


def test_what_fails_in_the_sandbox_is_shown_where_it_stands(seeds, tmp_path):
    instances = {
        "checker.format": FormatChecker(),
        "checker.execution": ExecutionChecker(lengths=[1, 7], widths=[64], blocks=1),
    }
    good = (seeds / "gpt2" / "units" / "RMSNorm.py").read_text()
    file = tmp_path / "RMSNorm.py"
    faulty = "print('hello')\n        X = X @ X\n        return functional"
    file.write_text(good.replace("return functional", faulty))
    line = file.read_text().splitlines().index("        X = X @ X") + 1
    console = Console(file=StringIO(), width=160)
    with Sandbox() as sandbox:
        plugins = Plugins(instances)
        ended = check(file, lambda design: plugins.check(design, sandbox), console=console)
    text = console.file.getvalue()
    assert ended == 1 and "✔ initialization" in text and "✘ forward" in text
    assert f"{file}:{line}" in text and f"{line} │ X = X @ X" in text and "hello" in text
