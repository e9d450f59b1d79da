"""Doctor finds the Python of a command, and says what is wrong with it."""

from __future__ import annotations

import os
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from bare_python import AUTOLOAD, interpreters, is_supported
from patient import Patient, problems, row_of

if TYPE_CHECKING:
    from bare_python import BarePython

BIN = Path(sys.executable).parent
OTHERS = {v: path for v, path in interpreters().items() if v[:4] != sys.version[:4]}
FOREIGN = [path for version, path in OTHERS.items() if is_supported(version)]
OLD = {version: path for version, path in OTHERS.items() if not is_supported(version)}


def script(folder: Path, name: str, text: str) -> Path:
    folder.mkdir(exist_ok=True)
    (folder / name).write_text(text)
    (folder / name).chmod(0o755)
    return folder / name


def test_a_python_by_its_path(patient: Patient) -> None:
    document = patient.examine()

    assert document["command"] == [str(patient.executable), "app.py"]
    assert document["python"] == {
        "executable": str(patient.executable),
        "version": ".".join(map(str, sys.version_info[:3])),
        "implementation": "CPython",
        "agent": str(AUTOLOAD.parent.parent),
        "active": True,
        "wrapt": document["python"]["wrapt"],
        "pythonpath": [str(patient.packages)],
        "user_site": "",
        "sitecustomize": [],
    }
    assert document["python"]["wrapt"]["file"].startswith(str(patient.packages / "wrapt"))
    assert problems(document) == []
    assert document["verdict"] == "fine: 7 libraries can be recorded"


@pytest.mark.parametrize(
    ("line", "arguments"),
    [
        ("#!{python}", []),
        ("#!{python} -s", ["run"]),
        ("#!/usr/bin/env python", []),
        ("#!/usr/bin/env -S python -s", []),
        ("#!/bin/sh\n'''exec' \"{python}\" \"$0\" \"$@\"\n' '''", ["run"]),
    ],
)
def test_a_console_script_by_its_first_line(
    patient: Patient, line: str, arguments: list[str]
) -> None:
    path = script(patient.folder / "bin", "serve", line.format(python=patient.executable))
    variables = {"PATH": f"{patient.executable.parent}:{os.environ['PATH']}"}
    document = patient.examine(path, *arguments, env=variables)

    assert document["python"]["executable"] == str(patient.executable)
    assert problems(document) == []


def test_a_command_on_the_path(patient: Patient) -> None:
    script(patient.executable.parent, "serve", f"#!{patient.executable}\n")
    variables = {"PATH": f"{patient.executable.parent}:{os.environ['PATH']}"}

    assert patient.examine("serve", env=variables)["python"]["executable"] == str(
        patient.executable
    )


def test_a_program_beside_a_python_is_that_one_s(patient: Patient) -> None:
    path = script(patient.executable.parent, "uwsgi", "\x7fELF")

    assert patient.examine(path)["python"]["executable"] == str(patient.executable)


def test_without_a_command_it_is_the_first_python(patient: Patient) -> None:
    variables = {"PATH": f"{patient.executable.parent}:{os.environ['PATH']}"}
    result = patient.otel_run("doctor", "--json", path=(patient.packages,), env=variables)

    assert result.returncode == 0
    assert f'"executable": "{patient.executable}"' in result.stdout


def top(library: str) -> str:
    """The package that a library's module is in."""
    return library.partition(".")[0]


@pytest.mark.parametrize("command", [["-m", "flask", "run"], ["app.py"], ["-c", "pass"]])
def test_an_environment_with_libraries(patient: Patient, command: list[str]) -> None:
    document = patient.examine(BIN / "python", *command, path=())

    assert problems(document) == []
    # The oldest Python's environment cannot have all of them.
    has = {row["library"]: bool(find_spec(top(row["library"]))) for row in document["libraries"]}
    states = {row["library"]: row["state"] for row in document["libraries"]}
    assert states == {name: "patched" if has[name] else "not installed" for name in has}
    assert "flask.app:Flask.__call__" in row_of(document, "flask")["patched"]


def test_the_console_script_of_a_library(patient: Patient) -> None:
    document = patient.examine(BIN / "flask", "--app", "shop", "run", path=())

    assert problems(document) == []
    (service,) = (row for row in document["settings"] if row["name"] == "OTEL_SERVICE_NAME")
    assert service == {"name": "OTEL_SERVICE_NAME", "value": "shop", "source": "inferred"}


@pytest.mark.parametrize("python", FOREIGN, ids=str)
def test_a_python_of_another_version(tmp_path: Path, python: Path) -> None:
    document = Patient(tmp_path, python).examine()

    assert document["python"]["version"] in OTHERS
    assert problems(document) == []
    assert row_of(document, "sqlite3")["state"] == "patched"


@pytest.mark.parametrize("version", OLD)
def test_a_python_that_is_too_old(patient: Patient, version: str) -> None:
    unwritten = {"PYTHONDONTWRITEBYTECODE": "1"}
    document = patient.examine(OLD[version], "app.py", env=unwritten)

    assert document["python"]["version"] == version
    assert problems(document) == [
        (
            f"problem: Python {version}: too old: the program runs, and nothing is recorded "
            "→ use 3.10 or newer"
        )
    ]


@pytest.mark.parametrize("option", ["-I", "-E", "-S", "-ES"])
def test_an_option_that_keeps_the_agent_out(patient: Patient, option: str) -> None:
    assert problems(patient.examine(patient.executable, option, "app.py")) == [
        (
            f"problem: python {option}: ignores what is set around it: nothing is recorded "
            f"→ leave out {option}"
        )
    ]


def test_an_option_in_a_script_that_keeps_the_agent_out(patient: Patient) -> None:
    path = script(patient.folder / "bin", "serve", f"#!{patient.executable} -I\n")

    assert problems(patient.examine(path)) == [
        "problem: python -I: ignores what is set around it: nothing is recorded → leave out -I"
    ]


def test_an_agent_that_cannot_start(patient: Patient) -> None:
    document = patient.examine(path=())

    assert problems(document) == [
        (
            "problem: the agent: cannot start, so that nothing is recorded: wrapt is not installed "
            f"beside {AUTOLOAD.parent.parent.parent / 'agent'} → install otel-run again, with wrapt"
        )
    ]
    assert document["verdict"] == "something is wrong: 1 problem"


def test_a_module_of_the_program_s_in_the_place_of_python_s_own(patient: Patient) -> None:
    folder = patient.folder / "shop"
    folder.mkdir()
    for name in ("select", "json"):  # of these the second is the doctor's alone
        (folder / f"{name}.py").write_text("print(1 / 0)")

    assert problems(patient.examine(patient.executable, "shop/app.py")) == [
        (
            f"problem: {folder / 'select.py'}: is imported in the place of Python's own module: "
            "nothing is recorded → rename it"
        )
    ]


def test_a_disabled_agent(patient: Patient) -> None:
    document = patient.examine(env={"OTEL_SDK_DISABLED": "true"})

    assert problems(document) == [
        "problem: OTEL_SDK_DISABLED=true: nothing is patched, nothing recorded → unset it"
    ]
    assert document["python"]["active"] is False
    assert row_of(document, "sqlite3")["reason"] == "the agent is not active"


def test_a_sitecustomize_that_runs_too(patient: Patient) -> None:
    (patient.packages / "sitecustomize.py").write_text(
        "import sys; sys.orig_argv[-1] == 'app.py' and 'doctor' not in sys.orig_argv and print(1)"
    )
    document = patient.examine()

    assert document["python"]["sitecustomize"] == [str(patient.packages / "sitecustomize.py")]
    assert problems(document) == []


def test_a_python_that_does_not_run(patient: Patient) -> None:
    path = script(patient.folder / "bin", "python", "#!/bin/sh\necho >&2 no; exit 4\n")

    assert problems(patient.examine(path)) == [
        f"problem: {path}: ends with status 4: no → see that this Python runs"
    ]


def test_a_tool_is_left_alone(patient: Patient) -> None:
    assert problems(patient.examine(patient.executable, "-m", "pip")) == [
        (
            f"warning: {patient.executable}: a tool that starts programs, which is left alone "
            "itself → give doctor the program's own command"
        )
    ]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--nope"], "unrecognized arguments: --nope"),
        (["--", "nosuchcommand"], "otel-run: nosuchcommand: command not found"),
        (["--", "sh"], "otel-run: doctor cannot tell which Python sh runs; name it: "),
    ],
)
def test_what_cannot_be_understood_is_refused(
    patient: BarePython, arguments: list[str], said: str
) -> None:
    result = patient.otel_run("doctor", *arguments, env={"PATH": "/bin"})

    assert (result.returncode, result.stdout) == (2, "")
    assert said in result.stderr
