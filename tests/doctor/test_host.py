"""Doctor on a uWSGI that may let no thread run between requests."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from patient import problems

if TYPE_CHECKING:
    from patient import Patient

WARNING = (
    "warning: uwsgi 2.0.26: without enable-threads no thread runs between requests: what requests "
    "record is sent with later ones → add --enable-threads, or use uWSGI 2.0.27 or newer"
)


def examine_uwsgi(patient: Patient, version: str, *options: str, **env: str) -> list[str]:
    """What doctor finds of a uWSGI beside the patient's Python."""
    patient.add_distribution("uWSGI", version)
    executable = patient.executable.with_name("uwsgi")
    executable.write_text("\x7fELF")
    executable.chmod(0o755)
    return problems(patient.examine(executable, *options, env=env))


@pytest.mark.parametrize(
    "options",
    [
        ["--module", "threads:app"],
        ["--ini", "shop.ini"],
        ["missing.ini"],
        ["--http-socket", ":8080", "--threads-wait"],
    ],
    ids=" ".join,
)
def test_a_uwsgi_without_threads_is_told_of(patient: Patient, options: list[str]) -> None:
    (patient.folder / "shop.ini").write_text("[uwsgi]\nmodule = shop:app\n# enable-threads\n")

    assert examine_uwsgi(patient, "2.0.26", *options) == [WARNING]


@pytest.mark.parametrize(
    ("options", "variable"),
    [
        (["--enable-threads"], ""),
        (["-T"], ""),
        (["--threads=4"], ""),
        (["--gevent", "100"], ""),
        (["--ini=shop.ini"], ""),
        (["shop.xml"], ""),
        ([], "UWSGI_ENABLE_THREADS"),
    ],
)
def test_a_uwsgi_that_is_asked_for_threads_is_fine(
    patient: Patient, options: list[str], variable: str
) -> None:
    (patient.folder / "shop.ini").write_text("[uwsgi]\nenable-threads = true\n")
    (patient.folder / "shop.xml").write_text("<uwsgi><threads>2</threads></uwsgi>\n")
    env = {variable: "1"} if variable else {}

    assert examine_uwsgi(patient, "2.0.26", *options, **env) == []


def test_a_newer_uwsgi_has_threads(patient: Patient) -> None:
    assert examine_uwsgi(patient, "2.0.27", "--module", "shop:app") == []


def test_a_uwsgi_of_which_no_version_is_known(patient: Patient) -> None:
    executable = patient.executable.with_name("uwsgi_python3")
    executable.symlink_to("/bin/true")
    (problem,) = problems(patient.examine(executable, "--module", "shop:app"))

    assert problem == WARNING.replace(" 2.0.26", "")
