"""A payload: what it holds, and what PYTHONPATH alone makes of it."""

from __future__ import annotations

import os
import re
import stat
import sys
from typing import TYPE_CHECKING

import pytest

from bare_python import BarePython, interpreters, is_supported
from building import ROOT
from otel_run import __version__

if TYPE_CHECKING:
    from pathlib import Path

    from collector import Collector
    from environments.conftest import Launch

SUPPORTED = {name: path for name, path in interpreters().items() if is_supported(name)}
UNSUPPORTED = {name: path for name, path in interpreters().items() if not is_supported(name)}
QUERY = """
import sqlite3
print(sqlite3.connect(":memory:").execute("SELECT 6 * 7").fetchone())
"""
FOUND = """
import sys
from importlib.util import find_spec
import sqlite3
print(sorted(name for name in sys.modules if name.startswith("otel_run.engine._wrapt.")))
print([find_spec(name) for name in ("wrapt", "opentelemetry", "otel_run_viewer")])
"""
# From Python 3.12 on C code warns of the first call.
WARNED = """
import sqlite3, warnings
sqlite3.connect(":memory:", 5.0).close()
class Shelf(sqlite3.Connection):
    def __init__(self, *_, **__): warnings.warn("here", stacklevel=2); super().__init__(":memory:")
sqlite3.connect(":memory:", factory=Shelf).close()
"""


@pytest.fixture
def script(tmp_path: Path) -> Path:
    script = tmp_path / "shop.py"
    script.write_text(QUERY)
    return script


def state(folder: Path) -> dict[str, tuple[int, int, int]]:
    """The mode, size and time of each file and folder, by path."""
    found = {}
    for path in (folder, *folder.rglob("*")):
        status = path.stat()
        found[str(path)] = (status.st_mode, status.st_size, status.st_mtime_ns)
    return found


@pytest.mark.parametrize("version", SUPPORTED)
def test_it_records_any_python_and_writes_nothing(
    payload: Path, launch: Launch, collector: Collector, script: Path, version: str
) -> None:
    before = state(payload)
    result = launch(
        *(SUPPORTED[version], script), env={"PYTHONPATH": str(payload), "PYTHONUNBUFFERED": "1"}
    )

    assert (result.returncode, result.stdout, result.stderr) == (0, "(42,)\n", "")
    assert [span.name for span in collector.spans()] == ["SELECT"]
    assert state(payload) == before


# Root may make a namespace of mounts; anybody else has to be root in one of users first.
NAMESPACE = ("unshare", "--mount") if os.geteuid() == 0 else ("unshare", "-Urm")
READ_ONLY = """
mount --bind "$1" "$1" && mount -o remount,bind,ro "$1" || exit 125
touch "$1/file" && exit 126
shift
exec "$@"
"""


def test_it_works_from_a_read_only_file_system(
    payload: Path, launch: Launch, python: Path, collector: Collector, script: Path
) -> None:
    command = (*NAMESPACE, "sh", "-c", READ_ONLY, "sh", payload, python, script)
    result = launch(*command, env={"PYTHONPATH": str(payload), "LC_ALL": "C"})

    assert (result.returncode, result.stdout) == (0, "(42,)\n"), result.stderr
    # What is said is said of the file that cannot be made.
    assert re.fullmatch("touch: .*Read-only file system\n", result.stderr)
    assert [span.name for span in collector.spans()] == ["SELECT"]


def test_its_wrapper_is_wrapts_in_python_and_nothing_is_to_be_found(
    payload: Path, launch: Launch, python: Path
) -> None:
    result = launch(python, "-c", FOUND, env={"PYTHONPATH": str(payload)})
    wrappers, found = result.stdout.splitlines()

    assert "otel_run.engine._wrapt.wrappers" in wrappers
    assert "otel_run.engine._wrapt._wrappers" not in wrappers
    assert found == "[None, None, None]"


def test_its_wrapper_does_what_the_extension_does(launch: Launch, tmp_path: Path) -> None:
    """The tests of the wrapper, with the packages of a payload and the wrapt of the tests."""
    folder = tmp_path / "payload"
    launch(sys.executable, "-m", "otel_run_bootstrap", "payload", folder)
    options = ("-p", "no:cacheprovider", "--rootdir", ROOT, "-c", ROOT / "pyproject.toml")
    packages = ("-o", f"pythonpath={folder}/site-packages {ROOT}/tests")
    tests = (ROOT / "tests" / "engine" / "test_wrapt.py", "-k", "not loaded")
    result = launch(sys.executable, "-m", "pytest", "-q", *options, *packages, *tests)

    assert result.returncode == 0, result.stdout


def test_its_wrapper_is_no_caller_of_what_warns(
    payload: Path, launch: Launch, python: Path, tmp_path: Path
) -> None:
    (tmp_path / "warned.py").write_text(WARNED)
    bare = launch(python, "-W", "always", "warned.py")
    recorded = launch(python, "-W", "always", "warned.py", env={"PYTHONPATH": str(payload)})

    assert recorded.stderr == bare.stderr
    assert "warned.py:6: UserWarning: here" in bare.stderr


@pytest.mark.parametrize("written", ["{}", "{}/", "{}/../payload", "payload"])
def test_the_folder_can_be_written_in_any_way(
    payload: Path, launch: Launch, python: Path, tmp_path: Path, written: str
) -> None:
    (tmp_path / "payload").symlink_to(payload)
    path = written.format(payload)
    source = "import os, sys; print(sys.path, type(sys.meta_path[0]).__name__)"
    bare = launch(python, "-c", source)
    recorded = launch(python, "-c", source, env={"PYTHONPATH": path})

    assert recorded.stderr == ""
    assert recorded.stdout.split("]")[0] == bare.stdout.split("]")[0]
    assert recorded.stdout.endswith(" ImportHook\n")


def test_children_are_recorded(
    payload: Path, launch: Launch, python: Path, collector: Collector
) -> None:
    parent = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {QUERY!r}])"
    launch(python, "-c", parent, env={"PYTHONPATH": str(payload)})

    assert [span.name for span in collector.spans()] == ["SELECT"]


def test_beneath_the_command_it_changes_nothing(
    payload: Path, launch: Launch, python: Path, otel_run: Path, collector: Collector, script: Path
) -> None:
    result = launch(otel_run, python, script, env={"PYTHONPATH": str(payload)})

    assert (result.returncode, result.stdout, result.stderr) == (0, "(42,)\n", "")
    assert [span.name for span in collector.spans()] == ["SELECT"]


def test_a_python_without_site_cannot_import_anything_of_it(
    payload: Path, launch: Launch, python: Path
) -> None:
    names = ("otel_run", "otel_run_bootstrap", "wrapt", "packages", "engine")
    source = f"from importlib.util import find_spec; print(*map(find_spec, {names}))"
    result = launch(python, "-S", "-c", source, env={"PYTHONPATH": str(payload)})

    assert result.stdout == "None None None None None\n"


@pytest.mark.parametrize("version", UNSUPPORTED)
@pytest.mark.parametrize("has_own", [True, False], ids=["own", "none"])
def test_an_older_python_only_runs_the_next_sitecustomize(
    payload: Path, tmp_path: Path, version: str, *, has_own: bool
) -> None:
    python = BarePython(tmp_path, UNSUPPORTED[version])
    own = python.folder_with("own", **({"sitecustomize": "print('own')"} if has_own else {}))
    source = "import sys; print([m for m in sys.modules if 'otel' in m]); print(sys.path)"
    bare = python.run("-Bc", source, path=(own,))
    recorded = python.run("-Bc", source, path=(payload, own))

    assert (recorded.returncode, recorded.stderr) == (0, "")
    assert recorded.stdout == bare.stdout


def test_all_can_read_it_and_it_is_python_alone(payload: Path) -> None:
    paths = list(payload.rglob("*"))
    files = [path for path in paths if path.is_file()]

    assert {stat.S_IMODE(path.stat().st_mode) for path in files} == {0o644}
    assert {stat.S_IMODE(path.stat().st_mode) for path in (payload, *paths) if path.is_dir()} == {
        0o755
    }
    assert {path.name for path in files if path.suffix != ".py"} == {
        "LICENSE",
        "VERSION",
        "__pycache__",
    }
    assert {path.name for path in payload.iterdir()} == {
        "LICENSE",
        "VERSION",
        "__pycache__",
        "site-packages",
        "sitecustomize.py",
    }
    assert not any(path.is_symlink() for path in paths)


def test_a_folder_of_modules_cannot_get_compiled_ones(payload: Path) -> None:
    folders = {path.parent for path in payload.rglob("*.py")}

    assert {folder for folder in folders if not (folder / "__pycache__").is_file()} == set()


def test_it_tells_its_version(payload: Path, launch: Launch, python: Path) -> None:
    result = launch(
        *(python, "-m", "otel_run_bootstrap", "--version"),
        env={"PYTHONPATH": str(payload / "site-packages")},
    )

    assert (payload / "VERSION").read_text() == result.stdout == f"otel-run {__version__}\n"


def test_the_licences_go_along(payload: Path) -> None:
    assert "Apache License" in (payload / "LICENSE").read_text()
    assert "Graham Dumpleton" in (payload / "site-packages" / "wrapt" / "LICENSE").read_text()


def test_what_is_written_is_said(launch: Launch, otel_run: Path, tmp_path: Path) -> None:
    result = launch(otel_run, "payload", "new/folder")
    folder = tmp_path / "new" / "folder"

    assert (result.returncode, result.stderr) == (0, "")
    assert result.stdout == (
        f"otel-run {__version__} is in {folder}, activate it by PYTHONPATH={folder}\n"
    )


def test_it_does_not_depend_on_who_writes_it(
    launch: Launch, otel_run: Path, payload: Path, tmp_path: Path
) -> None:
    launch("sh", "-c", 'umask 077; exec "$0" payload new/folder', otel_run)
    folder = tmp_path / "new" / "folder"

    def modes_and_contents(root: Path) -> dict[str, tuple[int, bytes]]:
        return {
            str(path.relative_to(root)): (
                path.stat().st_mode,
                path.read_bytes() if path.is_file() else b"",
            )
            for path in root.rglob("*")
        }

    assert modes_and_contents(folder) == modes_and_contents(payload)
    assert {stat.S_IMODE(path.stat().st_mode) for path in (folder, folder.parent)} == {0o755}


def test_an_older_payload_is_replaced(launch: Launch, otel_run: Path, tmp_path: Path) -> None:
    folder = tmp_path / "payload"
    launch(otel_run, "payload", folder)
    new = sorted(folder.rglob("*"))
    (folder / "VERSION").write_text("otel-run 0.0.1\n")
    (folder / "site-packages" / "otel_run" / "old.py").touch()
    result = launch(otel_run, "payload", folder)

    assert result.returncode == 0
    assert (folder / "VERSION").read_text() == f"otel-run {__version__}\n"
    assert sorted(folder.rglob("*")) == new


def test_an_empty_folder_is_filled_where_it_stands(
    launch: Launch, otel_run: Path, tmp_path: Path
) -> None:
    """As the root of a volume, which cannot be replaced."""
    folder = tmp_path / "volume"
    folder.mkdir()
    folder.chmod(0o777)
    before = folder.stat()
    result = launch(otel_run, "payload", folder)

    assert result.returncode == 0
    assert (folder.stat().st_ino, folder.stat().st_mode) == (before.st_ino, before.st_mode)


@pytest.mark.parametrize("name", ["notes.txt", "VERSION", ".hidden"])
def test_what_holds_something_else_is_refused(
    launch: Launch, otel_run: Path, tmp_path: Path, name: str
) -> None:
    folder = tmp_path / "home"
    folder.mkdir()
    (folder / name).write_text("1.0")
    result = launch(otel_run, "payload", folder)

    assert (result.returncode, result.stdout) == (1, "")
    assert result.stderr == (
        f"otel-run: cannot write the payload: {folder} is not empty, and no payload\n"
    )
    assert [path.name for path in folder.iterdir()] == [name]


@pytest.mark.parametrize(
    ("place", "reason"),
    [("file", "File exists"), ("/proc/payload", "No such file or directory")],
)
def test_a_place_where_nothing_can_be_written_is_refused(
    launch: Launch, otel_run: Path, tmp_path: Path, place: str, reason: str
) -> None:
    (tmp_path / "file").touch()
    result = launch(otel_run, "payload", place)

    assert result.returncode == 1
    assert result.stderr == f"otel-run: cannot write the payload: {place}: {reason}\n"


def test_without_the_command_telemetry_goes_to_an_endpoint(
    payload: Path, launch: Launch, python: Path, tmp_path: Path, script: Path
) -> None:
    env = {"PYTHONPATH": str(payload), "OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:9"}
    result = launch(python, script, env=env)

    assert result.stdout == "(42,)\n"
    assert result.stderr.startswith("otel-run: cannot send traces to http://127.0.0.1:9/v1/traces")
    assert not (tmp_path / "store").exists()
