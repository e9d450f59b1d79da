from __future__ import annotations

import json
import sys
import zipapp
from typing import TYPE_CHECKING

import pytest

from bare_python import AUTOLOAD, BarePython, interpreters, is_supported

if TYPE_CHECKING:
    from pathlib import Path

STATE = """
import json, os, sys
modules = sorted(sys.modules)
print(json.dumps({"path": sys.path, "folder": os.getcwd(), "modules": modules,
    "argv": sys.argv, "hooks": [type(f).__name__ for f in sys.meta_path]}))
"""
IS_ACTIVE = "import sys; print('ImportHook' in [type(f).__name__ for f in sys.meta_path])"
SUPPORTED = {name: path for name, path in interpreters().items() if is_supported(name)}
# Each costs a program time or memory, or breaks the monkey-patching of gevent and eventlet.
FORBIDDEN = {
    *("asyncio", "dataclasses", "enum", "http", "importlib.metadata", "importlib.util", "inspect"),
    *("logging", "random", "re", "socket", "ssl", "threading", "typing", "wrapt"),
}


@pytest.fixture
def script(tmp_path: Path) -> Path:
    """A script in a folder that is not the working one."""
    (tmp_path / "scripts").mkdir()
    script = tmp_path / "scripts" / "app.py"
    script.write_text(STATE)
    return script


def test_a_program_sees_its_own_path_and_folder(python: BarePython, script: Path) -> None:
    bare = json.loads(python.run(script, "x").stdout)
    recorded = json.loads(python.run(script, "x", path=(AUTOLOAD,)).stdout)

    for name in ("path", "folder", "argv"):
        assert recorded[name] == bare[name]
    assert recorded["hooks"] == ["ImportHook", *bare["hooks"], "AgentFinder"]


def test_nothing_heavy_is_imported(python: BarePython) -> None:
    bare = set(json.loads(python.run("-c", STATE).stdout)["modules"])
    recorded = set(json.loads(python.run("-c", STATE, path=(AUTOLOAD,)).stdout)["modules"])

    brought = {name for name in recorded - bare if not name.startswith("otel_run")}

    assert brought <= {"__future__", "atexit"}
    assert not (recorded - bare) & FORBIDDEN


@pytest.mark.parametrize("flags", [("-c", STATE), ("-m", "app")])
def test_commands_and_modules_are_recorded_as_scripts_are(
    python: BarePython, script: Path, flags: tuple[str, str]
) -> None:
    bare = json.loads(python.run(*flags, path=(script.parent,)).stdout)
    recorded = json.loads(python.run(*flags, path=(AUTOLOAD, script.parent)).stdout)

    assert recorded["hooks"] == ["ImportHook", *bare["hooks"], "AgentFinder"]
    assert recorded["path"] == bare["path"]


def test_a_zipapp_is_recorded(python: BarePython) -> None:
    folder = python.folder_with("zipped", __main__=IS_ACTIVE)
    zipapp.create_archive(folder, python.folder / "app.pyz")

    assert python.run("app.pyz", path=(AUTOLOAD,)).stdout == "True\n"


def test_a_console_script_is_recorded(python: BarePython) -> None:
    console_script = python.executable.parent / "shop"
    console_script.write_text(f"#!{python.executable}\n{IS_ACTIVE}\n")
    console_script.chmod(0o755)

    assert python.launch(console_script, path=(AUTOLOAD,)).stdout == "True\n"


def test_children_are_recorded(python: BarePython) -> None:
    parent = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {IS_ACTIVE!r}])"

    assert python.run("-c", parent, path=(AUTOLOAD,)).stdout == "True\n"


def test_it_works_where_the_working_folder_is_gone(python: BarePython) -> None:
    gone = "cd gone && rmdir ../gone && exec {} -c {!r}".format(
        python.executable, IS_ACTIVE.replace("'", '"')
    )
    (python.folder / "gone").mkdir()

    assert python.launch("sh", "-c", gone, path=(AUTOLOAD,)).stdout == "True\n"


@pytest.mark.parametrize("flag", ["-Werror", "-O", "-OO", "-B", "-bb", "-P", "-s", "-u", "-Xdev"])
def test_an_option_of_python_makes_no_difference(python: BarePython, flag: str) -> None:
    if flag == "-P" and sys.version_info < (3, 11):
        flag = "-B"
    result = python.run(flag, "-c", IS_ACTIVE, path=(AUTOLOAD,))

    assert (result.stdout, result.stderr) == ("True\n", "")


def test_importtime_shows_it_and_works(python: BarePython) -> None:
    result = python.run("-Ximporttime", "-c", IS_ACTIVE, path=(AUTOLOAD,))

    assert result.stdout == "True\n"
    assert "otel_run_bootstrap" in result.stderr


@pytest.mark.parametrize("flag", ["-I", "-E", "-S", "-sE", "-IBc"])
def test_an_isolated_python_is_not_recorded(python: BarePython, flag: str) -> None:
    command = (flag, IS_ACTIVE) if flag.endswith("c") else (flag, "-c", IS_ACTIVE)
    result = python.run(*command, path=(AUTOLOAD,))

    assert (result.stdout, result.stderr) == ("False\n", "")


@pytest.mark.parametrize("value", ["true", "True", " TRUE "])
def test_disabled_it_imports_nothing(python: BarePython, value: str) -> None:
    bare = json.loads(python.run("-c", STATE).stdout)
    disabled = python.run("-c", STATE, path=(AUTOLOAD,), env={"OTEL_SDK_DISABLED": value})

    assert json.loads(disabled.stdout) == bare


@pytest.mark.parametrize("value", ["", "false", "1", "yes"])
def test_only_true_disables(python: BarePython, value: str) -> None:
    result = python.run("-c", IS_ACTIVE, path=(AUTOLOAD,), env={"OTEL_SDK_DISABLED": value})

    assert result.stdout == "True\n"


@pytest.mark.parametrize("tool", ["pip", "pip3", "pip3.12", "uv", "poetry", "conda", "otel-run"])
def test_a_tool_that_starts_programs_is_not_recorded(python: BarePython, tool: str) -> None:
    (python.folder / tool).write_text(IS_ACTIVE)

    assert python.run(tool, "run", path=(AUTOLOAD,)).stdout == "False\n"


@pytest.mark.parametrize("tool", ["pip", "uv", "poetry", "conda", "venv"])
def test_a_tool_run_as_a_module_is_not_recorded(python: BarePython, tool: str) -> None:
    package = python.folder_with(tool, __init__="", __main__=IS_ACTIVE)

    assert python.run("-m", tool, path=(AUTOLOAD, package.parent)).stdout == "False\n"
    assert python.run("-m", f"{tool}.__main__", path=(AUTOLOAD, package.parent)).stdout == "False\n"


def test_pip_builds_a_package_without_us(python: BarePython) -> None:
    """These are the files in which pip runs itself and what builds packages."""
    for name in ("__pip-runner__.py", "_in_process.py"):
        (python.folder / name).write_text(IS_ACTIVE)

        assert python.run(name, path=(AUTOLOAD,)).stdout == "False\n"


def test_importing_it_later_finds_nothing(python: BarePython) -> None:
    source = "import sys; print('sitecustomize' in sys.modules); import sitecustomize"
    bare = python.run("-c", source)
    recorded = python.run("-c", source, path=(AUTOLOAD,))

    assert (recorded.stdout, recorded.stderr) == (bare.stdout, bare.stderr)


def test_running_site_again_changes_nothing(python: BarePython) -> None:
    source = f"import site, sys; sys.path.insert(0, {str(AUTOLOAD)!r}); site.main(){STATE}"
    hooks = json.loads(python.run("-c", source, path=(AUTOLOAD,)).stdout)["hooks"]

    assert hooks.count("ImportHook") == hooks.count("AgentFinder") == 1


def test_a_second_copy_changes_nothing(python: BarePython) -> None:
    """As under an otel-run that was started by an otel-run installed elsewhere."""
    copy = python.folder / "copy"
    copy.symlink_to(AUTOLOAD)
    last = python.folder_with("last", sitecustomize="print('last')")
    result = python.run("-c", STATE, path=(AUTOLOAD, copy, last))
    first_line, state = result.stdout.splitlines()

    assert first_line == "last"
    assert json.loads(state)["hooks"].count("ImportHook") == 1
    assert not {str(AUTOLOAD), str(copy)} & set(json.loads(state)["path"])


def test_an_agent_that_cannot_start_is_one_line(python: BarePython) -> None:
    broken = python.folder_with("broken", otel_run_bootstrap="raise RuntimeError('broken')")
    result = python.run("-c", "print('ran')", path=(AUTOLOAD, broken))

    assert result.stdout == "ran\n"
    assert result.stderr == (
        "otel-run: nothing is recorded, the agent cannot start: RuntimeError('broken')\n"
    )


def test_a_missing_agent_is_one_line(python: BarePython) -> None:
    """A mounted folder of which only a part arrived."""
    lone = python.folder / "autoload"
    lone.mkdir()
    (lone / "sitecustomize.py").write_text((AUTOLOAD / "sitecustomize.py").read_text())
    result = python.run("-c", "print('ran')", path=(lone,))

    assert result.stdout == "ran\n"
    assert result.stderr.startswith("otel-run: nothing is recorded, the agent cannot start: ")
    assert result.stderr.count("\n") == 1


def test_without_stderr_a_broken_agent_is_silent(python: BarePython) -> None:
    broken = python.folder_with("broken", otel_run_bootstrap="raise RuntimeError")
    command = f"exec {python.executable} -c 'print(1)' 2>&-"

    assert python.launch("sh", "-c", command, path=(AUTOLOAD, broken)).stdout == "1\n"


@pytest.mark.parametrize("version", SUPPORTED)
def test_each_python_of_this_machine_is_recorded(tmp_path: Path, version: str) -> None:
    """The agent serves itself to Pythons other than the one it is installed for."""
    python = BarePython(tmp_path, SUPPORTED[version])
    result = python.run("-c", IS_ACTIVE, path=(AUTOLOAD,))

    assert (result.stdout, result.stderr) == ("True\n", "")
