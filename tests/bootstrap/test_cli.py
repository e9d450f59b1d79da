from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from bare_python import AUTOLOAD, BarePython
from otel_run import run_entry

if TYPE_CHECKING:
    from collections.abc import Mapping

ENVIRONMENT = "import json, os; print(json.dumps([os.getpid(), dict(os.environ)]))"
IS_ACTIVE = "import sys; print('ImportHook' in [type(f).__name__ for f in sys.meta_path])"


def environment(
    python: BarePython, *arguments: object, env: Mapping[str, str] | None = None
) -> dict[str, str]:
    result = python.otel_run(*arguments, env=env)
    variables: dict[str, str] = json.loads(result.stdout)[1]
    return variables


def run_of(variables: Mapping[str, str]) -> tuple[Path, str]:
    """The folder of the run and the pid of its first Python, from right behind our own entry."""
    autoload, entry, *_ = variables["PYTHONPATH"].split(":")
    folder, pid = run_entry.read(entry)
    assert (autoload, entry) == (str(AUTOLOAD), run_entry.write(folder) + pid)
    return Path(folder), pid


def test_the_program_is_recorded(python: BarePython) -> None:
    result = python.otel_run(python.executable, "-c", IS_ACTIVE)

    assert (result.returncode, result.stdout, result.stderr) == (0, "True\n", "")


def test_the_installed_command_is_the_same(python: BarePython) -> None:
    command = Path(sys.executable).parent / "otel-run"

    assert python.launch(command, python.executable, "-c", IS_ACTIVE).stdout == "True\n"


def test_the_command_takes_the_place_of_the_launcher(python: BarePython) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "otel_run_bootstrap", python.executable, "-c", ENVIRONMENT],
        env=python.environment(),
        stdout=subprocess.PIPE,
    )
    pid, variables = json.loads(process.communicate()[0])

    assert pid == process.pid
    assert run_of(variables)[1] == str(pid)


def test_bytes_pass_through(python: BarePython) -> None:
    data = bytes(range(256)) * 1000
    result = subprocess.run(
        [sys.executable, "-m", "otel_run_bootstrap", "cat"],
        env=python.environment(),
        input=data,
        capture_output=True,
        check=True,
    )

    assert (result.stdout, result.stderr) == (data, b"")


@pytest.mark.parametrize("status", [0, 1, 3, 255])
def test_the_exit_status_is_the_commands(python: BarePython, status: int) -> None:
    assert python.otel_run("sh", "-c", f"exit {status}").returncode == status


@pytest.mark.parametrize("name", ["SIGTERM", "SIGINT", "SIGKILL", "SIGHUP", "SIGPIPE", "SIGXFSZ"])
def test_a_signal_ends_the_command_as_ever(python: BarePython, name: str) -> None:
    """Python ignores SIGPIPE and SIGXFSZ; what a shell starts does not."""
    number = getattr(signal, name)
    result = python.otel_run("sh", "-c", f"kill -{int(number)} $$; echo survived")

    assert (result.returncode, result.stdout) == (-number, "")


def test_a_python_that_gets_a_signal_ends_as_ever(python: BarePython) -> None:
    waits = "import os, signal, time; print(flush=True); time.sleep(60)"
    process = subprocess.Popen(
        [sys.executable, "-m", "otel_run_bootstrap", python.executable, "-c", waits],
        env=python.environment(),
        stdout=subprocess.PIPE,
    )
    assert process.stdout is not None
    process.stdout.readline()
    process.terminate()
    process.stdout.close()

    assert process.wait(60) == -signal.SIGTERM


def test_flags_win_over_variables(python: BarePython) -> None:
    variables = environment(
        *(python, "--service-name=flag", "--sample", "0.5", "-v", python.executable),
        *("-c", ENVIRONMENT),
        env={"OTEL_SERVICE_NAME": "variable", "OTEL_TRACES_SAMPLER": "always_off"},
    )

    assert variables["OTEL_SERVICE_NAME"] == "flag"
    assert variables["OTEL_TRACES_SAMPLER"] == "parentbased_traceidratio"
    assert variables["OTEL_TRACES_SAMPLER_ARG"] == "0.5"
    assert variables["OTEL_RUN_VERBOSITY"] == "1"


def test_nothing_else_is_set(python: BarePython) -> None:
    bare = json.loads(python.run("-c", ENVIRONMENT, env={"LANG": "C.UTF-8"}).stdout)[1]
    variables = environment(python, python.executable, "-c", ENVIRONMENT, env={"LANG": "C.UTF-8"})

    assert set(variables) - set(bare) == {"PYTHONPATH"}
    assert {name: variables[name] for name in bare} == bare


@pytest.mark.parametrize("locale", [{}, {"LANG": "C"}, {"LC_ALL": "C"}, {"LC_CTYPE": "C.UTF-8"}])
def test_the_locale_is_what_it_would_be(python: BarePython, locale: dict[str, str]) -> None:
    """In the C locale, Python sets LC_CTYPE for its children and turns UTF-8 mode on for itself."""
    program = "import sys, os; print(sys.flags.utf8_mode, os.environ.get('LC_CTYPE'))"
    bare = python.run("-c", program, env=locale).stdout
    shell = python.launch("sh", "-c", "echo $LC_CTYPE", env=locale).stdout

    assert python.otel_run(python.executable, "-c", program, env=locale).stdout == bare
    assert python.otel_run("sh", "-c", "echo $LC_CTYPE", env=locale).stdout == shell


@pytest.mark.parametrize("old", ["", ":", "lib", "lib:", ":lib", "lib::other", "./lib/../lib:lib"])
def test_the_programs_path_keeps_its_meaning(python: BarePython, old: str) -> None:
    program = "import sys; print(sys.path)"
    bare = python.run("-c", program, env={"PYTHONPATH": old}).stdout

    assert python.otel_run(python.executable, "-c", program, env={"PYTHONPATH": old}).stdout == bare


def test_no_working_folder_is_added_to_the_path(python: BarePython) -> None:
    variables = environment(python, python.executable, "-c", ENVIRONMENT)

    assert len(variables["PYTHONPATH"].split(":")) == len([AUTOLOAD, "the run's"])


def test_a_command_within_a_command_adds_nothing(python: BarePython) -> None:
    launcher = (sys.executable, "-m", "otel_run_bootstrap")
    variables = environment(
        python, *launcher, *launcher, python.executable, "-c", ENVIRONMENT, env={"PYTHONPATH": "/x"}
    )

    run_of(variables)
    assert variables["PYTHONPATH"].split(":")[2:] == ["/x"]


@pytest.mark.parametrize(
    ("flags", "env", "service"),
    [
        ((), {}, "app"),
        (("--service-name", "my shop/\N{SNOWMAN}"), {}, "my-shop--"),
        ((), {"OTEL_SERVICE_NAME": "shop"}, "shop"),
        ((), {"OTEL_RESOURCE_ATTRIBUTES": "a=b, service.name = shop ,c=d"}, "shop"),
        ((), {"OTEL_SERVICE_NAME": "", "OTEL_RESOURCE_ATTRIBUTES": "service.name="}, "app"),
    ],
)
def test_a_run_is_named_after_time_and_service(
    python: BarePython, flags: tuple[str, ...], env: dict[str, str], service: str
) -> None:
    (python.folder / "app.py").write_text(ENVIRONMENT)
    env = {"LANG": "C.UTF-8", **env}
    variables = environment(python, *flags, python.executable, "app.py", env=env)
    folder, _ = run_of(variables)

    assert folder.parent == python.folder / "store" / "runs"
    assert re.fullmatch(
        rf"\d{{8}}T\d{{6}}\.\d{{3}}Z-{re.escape(service)}-[0-9a-f]{{4}}", folder.name
    )
    assert not folder.exists()


def test_a_command_without_a_target_names_its_run_itself(python: BarePython) -> None:
    variables = environment(python, python.executable, "-c", ENVIRONMENT)

    assert "Z-python-" in run_of(variables)[0].name


def test_old_runs_are_pruned(python: BarePython) -> None:
    for day in range(1, 9):
        (python.folder / "store" / "runs" / f"202611{day:02}T010203.004Z-x-1a2b").mkdir(
            parents=True
        )
    python.otel_run("true")

    assert len(list((python.folder / "store" / "runs").iterdir())) == 5


def test_a_store_that_cannot_be_had_is_no_matter(python: BarePython) -> None:
    result = python.otel_run("echo", "ran", env={"OTEL_RUN_STORE": "/proc/none"})

    assert (result.stdout, result.stderr) == ("ran\n", "")


@pytest.mark.parametrize(
    ("words", "status", "complaint"),
    [
        (["nosuchcommand"], 127, "nosuchcommand: command not found"),
        (["./nosuch"], 127, "./nosuch: command not found"),
        (["./"], 126, "./: not executable"),
        (
            ["app.py"],
            127,
            "app.py: command not found, did you mean: otel-run python app.py",
        ),
        (["./app.py"], 126, "./app.py: not executable, did you mean: otel-run python ./app.py"),
        (["./bad"], 126, "./bad: its interpreter is missing"),
        ([], 2, "no command, see otel-run --help"),
        (["-v"], 2, "no command, see otel-run --help"),
        (["--"], 2, "no command, see otel-run --help"),
        (["--servicename", "x"], 2, "there is no flag --servicename, did you mean --service-name?"),
        ([""], 127, "'': command not found"),
        (["shwo"], 127, "shwo: command not found, did you mean: otel-run show"),
        (["help"], 127, "help: command not found, did you mean: otel-run --help"),
        (["a\nb"], 127, "a\\nb: command not found"),
    ],
)
def test_a_command_that_cannot_run_is_one_line(
    python: BarePython, words: list[str], status: int, complaint: str
) -> None:
    (python.folder / "app.py").write_text("")
    (python.folder / "bad").write_text("#!/no/such/interpreter\n")
    (python.folder / "bad").chmod(0o755)
    result = python.otel_run(*words)

    assert (result.returncode, result.stdout) == (status, "")
    assert result.stderr == f"otel-run: {complaint}\n"


def test_a_script_without_interpreter_is_the_shells(python: BarePython) -> None:
    script = python.folder / "script"
    script.write_text("echo $0 $1\n")
    script.chmod(0o755)

    assert python.otel_run("./script", "a b").stdout == "./script a b\n"


def test_a_command_is_found_as_a_shell_finds_it(python: BarePython) -> None:
    for folder in ("first", "second", "third"):
        (python.folder / folder).mkdir()
        (python.folder / folder / "tool").write_text(f"#!/bin/sh\necho {folder} $0\n")
    (python.folder / "second" / "tool").chmod(0o755)
    (python.folder / "third" / "tool").chmod(0o755)
    path = f"missing:first:second:third:{os.environ['PATH']}"

    assert python.otel_run("tool", env={"PATH": path}).stdout == "second second/tool\n"


@pytest.mark.parametrize("flag", ["-I", "-E", "-S", "-sE", "-BI", "-ES"])
def test_an_isolated_python_runs_with_a_warning(python: BarePython, flag: str) -> None:
    result = python.otel_run(python.executable, flag, "-c", IS_ACTIVE)
    letters = "".join(letter for letter in flag if letter in "IES")

    assert (result.returncode, result.stdout) == (0, "False\n")
    assert result.stderr == (
        f"otel-run: python -{letters} cannot be recorded: it ignores what is set around it\n"
    )


@pytest.mark.parametrize("beginning", ["", "/usr/bin/env -S "])
def test_a_script_that_isolates_itself_runs_with_a_warning(
    python: BarePython, beginning: str
) -> None:
    script = python.folder / "script"
    script.write_text(f"#!{beginning}{python.executable} -sE\n{IS_ACTIVE}\n")
    script.chmod(0o755)
    result = python.otel_run(script)

    assert (result.returncode, result.stdout) == (0, "False\n")
    assert result.stderr == (
        f"otel-run: {script} cannot be recorded: python -E in its first line ignores what is set "
        f"around it; without that it is: otel-run {python.executable} {script}\n"
    )
    assert python.otel_run(python.executable, script).stdout == "True\n"


def test_what_pipx_runs_runs_with_a_warning(python: BarePython) -> None:
    tool = python.folder / "pipx"
    tool.write_text('#!/bin/sh\necho "$@"\n')
    tool.chmod(0o755)

    assert python.otel_run(tool, "list").stderr == ""
    result = python.otel_run(tool, "run", "lamp")
    assert (result.returncode, result.stdout) == (0, "run lamp\n")
    assert result.stderr == (
        "otel-run: pipx run cannot be recorded: it ignores what is set around it\n"
    )


@pytest.mark.parametrize("words", ["-P -c pass", "-c pass -I", "-W ignore -c pass", "-m this -E"])
def test_other_options_are_no_matter(python: BarePython, words: str) -> None:
    if "-P" in words and sys.version_info < (3, 11):
        words = words.replace("-P", "-B")

    assert python.otel_run(python.executable, *words.split()).stderr == ""


def test_a_command_that_is_no_python_has_its_own_options(python: BarePython) -> None:
    assert python.otel_run("sh", "-Ec", "echo ran", "-I").stderr == ""


@pytest.mark.parametrize("flag", ["--help", "-h"])
def test_help(python: BarePython, flag: str) -> None:
    result = python.otel_run(flag, "python", "app.py")

    assert (result.returncode, result.stderr) == (0, "")
    assert result.stdout.startswith("usage: otel-run [flags] COMMAND [ARGS...]\n")


@pytest.mark.parametrize("flag", ["--version", "-V"])
def test_version(python: BarePython, flag: str) -> None:
    from otel_run import __version__

    result = python.otel_run(flag)

    assert (result.returncode, result.stdout) == (0, f"otel-run {__version__}\n")


def test_a_command_called_like_one_of_ours_follows_two_dashes(python: BarePython) -> None:
    show = python.folder / "show"
    show.write_text("#!/bin/sh\necho shown\n")
    show.chmod(0o755)
    path = f".:{os.environ['PATH']}"

    assert python.otel_run("--", "show", env={"PATH": path}).stdout == "shown\n"


def test_one_of_ours_gets_its_arguments_and_gives_the_status(python: BarePython) -> None:
    fake = python.folder_with("fake", otel_run_viewer="")
    (fake / "otel_run_viewer.py").unlink()
    (fake / "otel_run_viewer").mkdir()
    (fake / "otel_run_viewer" / "__init__.py").touch()
    (fake / "otel_run_viewer" / "show.py").write_text("def main(argv): print(argv); return 5")
    result = python.otel_run("show", "last", "--errors", path=(fake,))

    assert (result.returncode, result.stdout) == (5, "['last', '--errors']\n")


def test_what_the_command_imports_is_light(python: BarePython) -> None:
    program = (
        "import sys; sys.argv[1:] = ['./nosuchcommand']; from otel_run_bootstrap.cli import main;"
        "main(); print(*sys.modules)"
    )
    result = python.launch(sys.executable, "-S", "-c", program, path=map_roots())
    heavy = {"argparse", "re", "enum", "shutil", "subprocess", "typing", "logging", "json"}

    assert "otel_run_bootstrap.cli" in result.stdout.split()
    assert not heavy & set(result.stdout.split())


def map_roots() -> tuple[Path, ...]:
    root = AUTOLOAD.parent.parent.parent
    return tuple(root / name for name in ("agent", "bootstrap", "instrumentors"))
