"""The local store: what is in its files whatever happens to the process and the disk."""

from __future__ import annotations

import fcntl
import os
import signal
import stat
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from export import recorded
from otel_run import notice, run_entry
from otel_run.export import store
from otel_run.export.otlp import Encoder, request, resource
from otel_run.export.store import LocalStore
from otel_run.export.summary import read_tallies
from otel_run.settings import load
from otel_run.signals.description import Description, Outcome, Scope
from otel_run.signals.span import ERROR, Span
from otel_run_viewer.store import StoreError, open_file, read_frames

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

TIMEOUT = 60


@pytest.fixture(autouse=True)
def lines(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What would be said on stderr."""
    said: list[str] = []
    monkeypatch.setattr(notice, "say", said.append)
    return said


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where the run goes; neither it nor what is above it is there yet."""
    return tmp_path / "state" / "otel-run" / "runs" / "20261123T010203.004Z-app-1a2b"


@pytest.fixture
def make_store(folder: Path) -> Iterator[Callable[[], LocalStore]]:
    """Make stores, closed with the test."""
    made: list[LocalStore] = []

    def make() -> LocalStore:
        made.append(LocalStore(load({}, run_entry.write(str(folder)))))
        made[-1].load()
        return made[-1]

    yield make
    for one in made:
        one.close()


def a_span(name: str = "GET /", parent_id: int = 0, status: int = 0, duration: int = 5) -> Span:
    """Return a finished span."""
    sampled, remote = True, False
    description = Description(Scope("scope", "1"), name, 1, {}, {})
    span = Span(7, 8, parent_id, sampled, remote, "", None, description, 100)
    span.end = span.start + duration
    span.outcome = Outcome(name, {}, status, None)
    return span


def frames(path: Path) -> list[tuple[int, bytes]]:
    """Return a file's frames, as the viewer reads them."""
    with open_file(path) as file:
        return [(frame.signal, frame.payload) for frame in read_frames(file)]


def files(folder: Path) -> list[Path]:
    """Return the files of a run."""
    return sorted(folder.iterdir())


def test_what_is_offered_is_in_the_file_at_once(
    make_store: Callable[[], LocalStore], folder: Path
) -> None:
    local = make_store()
    payload = request(resource({}), [(Scope("s", "1"), Encoder(recorded.Limits()).span(a_span()))])
    local.offer("traces", payload, 1)
    local.offer("metrics", b"points", 1)
    local.offer("traces", b"", 2)

    (path,) = files(folder)
    assert path.name.startswith(f"{os.getpid()}-")
    assert path.name.endswith(".otlp")
    assert path.read_bytes()[:8] == b"OTELRUN\x01"
    assert frames(path) == [(1, payload), (2, b"points"), (1, b"")]
    assert local.delivered == {"tally": 0, "traces": 3, "metrics": 1, "logs": 0}


def test_without_a_record_there_is_neither_file_nor_folder(
    make_store: Callable[[], LocalStore], folder: Path
) -> None:
    local = make_store()
    local.pump(0.0, 1.0)

    assert not folder.exists()


def test_nobody_else_can_read_it(make_store: Callable[[], LocalStore], folder: Path) -> None:
    before = os.umask(0)
    try:
        make_store().offer("traces", b"secret", 1)
    finally:
        os.umask(before)

    made = [folder, folder.parent, folder.parent.parent, folder.parent.parent.parent]
    assert [stat.S_IMODE(path.stat().st_mode) for path in made] == [0o700] * 4
    assert [stat.S_IMODE(path.stat().st_mode) for path in files(folder)] == [0o600]


def is_locked(path: Path) -> bool:
    """Whether the launcher would take the file's process for alive."""
    with path.open("rb") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        return False


def test_the_file_is_locked_while_it_is_open(
    make_store: Callable[[], LocalStore], folder: Path
) -> None:
    local = make_store()
    local.offer("traces", b"one", 1)
    (path,) = files(folder)

    assert is_locked(path)
    local.close()
    assert not is_locked(path)


def test_a_tally_follows_what_it_counts_and_only_when_it_is_new(
    make_store: Callable[[], LocalStore], folder: Path
) -> None:
    local = make_store()
    for span in (a_span(), a_span(parent_id=3, status=ERROR)):
        local.note(span)
    local.offer("traces", b"two", 2)
    local.pump(0.0)
    local.pump(0.0)
    local.note(a_span("GET /slow", duration=9))
    local.pump(0.0, 1.0)

    slowest = "slowest 5 00000000000000000000000000000007 GET /"
    first = f"pid {os.getpid()}\ntraces 1\nspans 2\nerrors 1\ndropped 0\n{slowest}"
    slower = "slowest 9 00000000000000000000000000000007 GET /slow"
    second = f"pid {os.getpid()}\ntraces 2\nspans 3\nerrors 1\ndropped 0\n{slower}\n{slowest}"
    (path,) = files(folder)
    assert frames(path) == [(1, b"two"), (0, first.encode()), (0, second.encode())]


def test_a_tally_waits_for_what_it_counts(
    make_store: Callable[[], LocalStore], folder: Path
) -> None:
    local = make_store()
    for _ in range(2):
        local.note(a_span())
        local.offer("traces", b"one", 1)
        local.pump(0.0)
        local.note(a_span())  # encoded, and not offered yet
        local.pump(0.0)
    local.lose(1)
    local.pump(0.0)

    (path,) = files(folder)
    told = [content.split(b"\n")[2:5:2] for kind, content in frames(path) if kind == 0]
    assert told == [
        [b"spans 1", b"dropped 0"],
        [b"spans 3", b"dropped 0"],
        [b"spans 4", b"dropped 1"],
    ]


def test_a_folder_that_cannot_be_made_is_said_once(
    tmp_path: Path, make_store: Callable[[], LocalStore], lines: list[str], folder: Path
) -> None:
    (tmp_path / "state").touch()
    local = make_store()
    for _ in range(3):
        local.offer("traces", b"one", 2)
        local.pump(0.0)
    local.after_fork_in_child()
    local.offer("metrics", b"one", 1)

    assert local.dropped == {"tally": 0, "traces": 0, "metrics": 1, "logs": 0}
    assert lines == [
        (
            f"cannot store telemetry in {folder}: Not a directory; it is dropped "
            "(OTEL_RUN_STORE names another place)"
        )
    ]


def test_a_folder_that_can_be_made_later_is(
    tmp_path: Path, make_store: Callable[[], LocalStore], folder: Path
) -> None:
    (tmp_path / "state").touch()
    local = make_store()
    local.offer("traces", b"one", 2)
    (tmp_path / "state").unlink()
    local.offer("traces", b"two", 3)

    assert (local.dropped["traces"], local.delivered["traces"]) == (2, 3)
    assert frames(files(folder)[0]) == [(1, b"two")]


def test_a_link_in_the_place_of_a_folder_is_no_endless_loop(
    tmp_path: Path, make_store: Callable[[], LocalStore], lines: list[str]
) -> None:
    (tmp_path / "state").symlink_to(tmp_path / "nowhere")
    make_store().offer("traces", b"one", 2)

    assert len(lines) == 1


def test_a_run_that_was_deleted_begins_again(
    make_store: Callable[[], LocalStore], folder: Path
) -> None:
    local = make_store()
    local.offer("traces", b"one", 1)
    files(folder)[0].unlink()
    folder.rmdir()
    local.offer("traces", b"two", 1)

    assert [frames(path) for path in files(folder)] == [[(1, b"two")]]


def test_a_descriptor_that_the_program_has_reused_is_left_alone(
    tmp_path: Path, make_store: Callable[[], LocalStore], folder: Path
) -> None:
    local = make_store()
    local.offer("traces", b"one", 1)
    assert local._file is not None
    descriptor = local._file._descriptor
    with (tmp_path / "file").open("w") as file:
        os.dup2(file.fileno(), descriptor)  # closes our file, as daemons close all they find
        try:
            local.offer("traces", b"two", 1)
            local.close()
            os.write(descriptor, b"still the program's")
        finally:
            os.close(descriptor)

    assert (tmp_path / "file").read_text() == "still the program's"
    assert sorted(map(frames, files(folder))) == [[(1, b"one")], [(1, b"two")]]


def test_a_process_stores_no_more_than_its_share(
    make_store: Callable[[], LocalStore],
    folder: Path,
    lines: list[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(store, "FILE_SIZE", 8 + 2 * (5 + 100))
    local = make_store()
    for _ in range(4):
        local.note(a_span())
        local.offer("traces", bytes(100), 1)
        local.pump(0.0)
    local.pump(0.0, 1.0)

    (path,) = files(folder)
    assert [kind for kind, _ in frames(path)] == [1, 0, 0]
    assert (local.delivered["traces"], local.dropped["traces"]) == (1, 3)
    assert b"spans 4\nerrors 0\ndropped 3" in frames(path)[-1][1]
    assert lines == ["a process has stored 0 MiB: what it records is dropped"]


def test_a_run_stores_no_more_than_its_share(
    make_store: Callable[[], LocalStore],
    folder: Path,
    lines: list[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(store, "RUN_SIZE", 1000)
    monkeypatch.setattr(store, "GROWTH", 300)
    first, second = make_store(), make_store()
    for _ in range(20):
        first.offer("traces", bytes(45), 1)
        second.offer("traces", bytes(45), 1)

    size = sum(path.stat().st_size for path in files(folder))
    assert 1000 - 2 * 300 <= size <= 1000 + 2 * 300
    assert first.dropped["traces"] + second.dropped["traces"] > 0
    assert lines == [f"the run has 0 MiB in {folder}: the rest is dropped"] * 2


def test_a_run_has_no_more_files_than_its_share(
    make_store: Callable[[], LocalStore], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store, "RUN_FILES", 2)
    stores = [make_store() for _ in range(3)]
    for local in stores:
        local.offer("traces", b"one", 1)

    assert [local.dropped["traces"] for local in stores] == [0, 0, 1]


def test_without_the_command_a_run_is_named_as_the_launcher_would(tmp_path: Path) -> None:
    settings = load({"OTEL_RUN_STORE": str(tmp_path), "OTEL_SERVICE_NAME": "a/b ../é"})
    local = LocalStore(settings)
    local.offer("traces", b"one", 1)
    local.close()

    (run,) = files(tmp_path / "runs")
    moment, service, _ = run.name.split("-", 1)[0], "a-b-..--", run.name[-4:]
    assert run.name == f"{moment}-{service}-{run.name[-4:]}"
    assert len(moment) == len("20261123T010203.004Z")


def run_program(program: str, folder: Path, *, expected: int = 0) -> None:
    """Run a program that has a store in `local`."""
    beginning = (
        "import os\n"
        "from otel_run.export.store import LocalStore\n"
        "from otel_run.settings import load\n"
        "local = LocalStore(load(os.environ))\n"
    )
    environment = {
        "PYTHONPATH": os.pathsep.join([*sys.path, run_entry.write(str(folder))]),
        "PATH": os.environ["PATH"],
    }
    command = [sys.executable, "-c", beginning + program]
    ended = subprocess.run(
        command, env=environment, timeout=TIMEOUT, check=False, capture_output=True, text=True
    )

    assert (ended.returncode, ended.stdout) == (expected, ""), ended.stderr


SHORT = """
import resource
local.offer("traces", b"x" * 100, 1)
resource.setrlimit(resource.RLIMIT_FSIZE, (200, resource.RLIM_INFINITY))
local.offer("traces", b"y" * 200, 5)
local.offer("traces", b"y" * 200, 5)
local.offer("traces", b"z" * 20, 2)
assert (local.delivered["traces"], local.dropped["traces"]) == (3, 10)
"""


def test_a_frame_that_the_disk_takes_only_in_part_is_taken_back(folder: Path) -> None:
    run_program(SHORT, folder)

    (path,) = files(folder)
    assert frames(path) == [(1, b"x" * 100), (1, b"z" * 20)]


def test_a_disk_without_room_for_the_header_leaves_no_file(folder: Path) -> None:
    limit = "import resource\nresource.setrlimit(resource.RLIMIT_FSIZE, (5, 5))\n"
    run_program(
        limit + "local.offer('traces', b'x', 1)\nassert local.dropped['traces'] == 1", folder
    )

    assert files(folder) == []


KILLED = """
import signal
for number in range(1000):
    local.offer("traces", b"%d" % number, 1)
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_what_was_offered_survives_sigkill(folder: Path) -> None:
    run_program(KILLED, folder, expected=-signal.SIGKILL)

    (path,) = files(folder)
    assert frames(path) == [(1, b"%d" % number) for number in range(1000)]
    assert not is_locked(path)


FORKED = """
local.offer("traces", b"parent", 1)
for number in range(3):
    if not os.fork():
        {told}
        local.offer("traces", b"child", 1)
        local.offer("traces", b"child again", 1)
        os._exit(0)
    assert os.wait()[1] == 0
local.offer("traces", b"parent again", 1)
"""


@pytest.mark.parametrize("told", ["local.after_fork_in_child()", "pass"])
def test_each_forked_child_has_a_file_of_its_own(told: str, folder: Path) -> None:
    run_program(FORKED.format(told=told), folder)

    child = [(1, b"child"), (1, b"child again")]
    assert sorted(map(frames, files(folder))) == [
        *[child] * 3,
        [(1, b"parent"), (1, b"parent again")],
    ]


def test_a_childs_tally_is_its_own(make_store: Callable[[], LocalStore], folder: Path) -> None:
    local = make_store()
    local.note(a_span())
    local.offer("traces", b"parent", 1)
    local.pump(0.0)
    local.after_fork_in_child()
    local.note(a_span())
    local.note(a_span())
    local.offer("traces", b"child", 2)
    local.pump(0.0)

    assert sorted(tally.spans for tally in read_tallies(str(folder))) == [1, 2]


def test_a_torn_file_is_read_to_where_it_is_torn(
    make_store: Callable[[], LocalStore], folder: Path
) -> None:
    local = make_store()
    local.offer("traces", b"one", 1)
    local.offer("traces", b"two", 1)
    (path,) = files(folder)
    path.write_bytes(path.read_bytes()[:-1])
    with open_file(path) as file:
        stored = read_frames(file)

        assert next(stored).payload == b"one"
        with pytest.raises(StoreError, match="torn"):
            next(stored)
