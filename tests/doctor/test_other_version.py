"""Doctor beside another version of otel-run, which is the one that the program's Python finds."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import otel_run
import otel_run_bootstrap
import otel_run_instrumentors
from patient import problems

if TYPE_CHECKING:
    from patient import Patient

PACKAGES = [
    Path(str(one.__file__)).parent for one in (otel_run, otel_run_bootstrap, otel_run_instrumentors)
]
HERE = PACKAGES[0].parent


def install(folder: Path) -> None:
    """Install this version."""
    for package in PACKAGES:
        shutil.copytree(package, folder / package.name)


def install_other(version: str, folder: Path) -> None:
    """Install another version, whose doctor is not as this one's; the first had none."""
    install(folder)
    init = folder / "otel_run" / "__init__.py"
    init.write_text(init.read_text().replace(otel_run.__version__, version))
    doctor = folder / "otel_run_bootstrap" / "doctor"
    if version < otel_run.__version__:
        shutil.rmtree(doctor)
    else:
        (doctor / "probe.py").write_text("def examine(): ...")


def told(version: str, folder: Path) -> list[str]:
    """What doctor has to say."""
    line = (
        f"problem: otel-run {version} in {folder}: is what this Python finds first, and this "
        f"doctor is of otel-run {otel_run.__version__} in {HERE}: it can only examine its own "
        "version → install the same version in both places, or leave one of them out"
    )
    return [line]


@pytest.mark.parametrize("version", ["0.0.1", "99.0"])
def test_another_version_in_the_program_s_environment(patient: Patient, version: str) -> None:
    name = f"python{sys.version_info[0]}.{sys.version_info[1]}"
    folder = patient.folder / "environment" / "lib" / name / "site-packages"
    install_other(version, folder)
    document = patient.examine()

    assert problems(document) == told(version, folder)
    assert document["otel_run"] == otel_run.__version__
    assert document["python"]["version"] == ".".join(map(str, sys.version_info[:3]))
    assert document["verdict"] == "something is wrong: 1 problem"


def examine_on_path(patient: Patient) -> dict[str, Any]:
    """The document of a command that is not itself found on the program's path."""
    command = (sys.executable, "-E", "-m", "otel_run_bootstrap", "doctor", "--json", "--")
    result = patient.launch(*command, patient.executable, "app.py", path=(patient.packages,))
    document: dict[str, Any] = json.loads(result.stdout)
    assert (result.returncode, result.stderr) == (document["exit_code"], "")
    return document


def test_another_version_on_the_program_s_path(patient: Patient) -> None:
    install_other("0.0.1", patient.packages)

    assert problems(examine_on_path(patient)) == told("0.0.1", patient.packages)


def test_the_same_version_elsewhere_is_examined(patient: Patient) -> None:
    install(patient.packages)
    document = examine_on_path(patient)

    assert document["python"]["agent"] == str(patient.packages)
    assert problems(document) == []
