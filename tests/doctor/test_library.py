"""Doctor says of each library whether it is patched, and why not."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from otel_run_bootstrap.doctor.version import is_within
from patient import problems, row_of

if TYPE_CHECKING:
    from patient import Patient

BUG = "report it with this page: it is a bug of otel-run"


def test_a_library_that_is_patched(patient: Patient) -> None:
    row = row_of(patient.examine(), "sqlite3")

    assert row == {
        "library": "sqlite3",
        "version": row["version"],
        "tested": ">=3.10",
        "within": True,
        "state": "patched",
        "reason": "",
        "patched": ["sqlite3.dbapi2:connect"],
        "skipped": {},
    }


def test_a_library_that_is_not_installed(patient: Patient) -> None:
    assert row_of(patient.examine(), "flask") == {
        "library": "flask",
        "version": "",
        "tested": ">=2.0",
        "within": None,
        "state": "not installed",
        "reason": "",
        "patched": [],
        "skipped": {},
    }


def test_a_library_that_a_setting_leaves_alone(patient: Patient) -> None:
    document = patient.examine(flags=("--disable", "sqlite3"))

    assert row_of(document, "sqlite3")["state"] == "disabled"
    assert row_of(document, "sqlite3")["patched"] == []
    assert problems(document) == []


def test_what_only_carries_along_has_nothing_to_carry(patient: Patient) -> None:
    document = patient.examine(flags=("--disable", "http.client,sqlite3,urllib,wsgiref"))

    assert row_of(document, "threading")["state"] == "not patched"
    assert problems(document) == []


def test_a_version_that_is_older_than_what_is_tested(patient: Patient) -> None:
    patient.add_distribution(
        "waitress",
        "1.4.4",
        waitress__server="class BaseWSGIServer:\n    def __init__(self, application): pass",
    )
    document = patient.examine()

    assert row_of(document, "waitress")["state"] == "patched"
    assert problems(document) == [
        (
            "warning: waitress 1.4.4: patched, but tested is >=2.0 "
            "→ use such a version, or leave it alone: --disable waitress"
        )
    ]
    assert document["verdict"] == "fine: 8 libraries can be recorded, 1 warning"


def test_a_version_without_what_is_patched(patient: Patient) -> None:
    patient.add_distribution("requests", "0.1", requests__sessions="")
    document = patient.examine()
    row = row_of(document, "requests")

    assert (row["state"], row["patched"]) == ("not patched", [])
    assert set(row["skipped"].values()) == {"this version has no such function"}
    assert problems(document) == [
        (
            f"problem: requests 0.1: not patched: {row['reason']}; tested is >=2.25 "
            "→ use such a version, or leave it alone: --disable requests"
        )
    ]


def test_a_library_that_cannot_be_imported(patient: Patient) -> None:
    patient.add_distribution("waitress", "3.0", waitress__server="import nosuchmodule")
    document = patient.examine()

    assert row_of(document, "waitress")["state"] == "broken"
    assert problems(document) == [
        (
            "warning: waitress 3.0: cannot be imported: waitress.server: No module named "
            "'nosuchmodule' → a program that uses it fails too: install it again"
        )
    ]


@pytest.mark.parametrize("source", ["raise SystemExit(7)", "print('\\x1b[2J'); 1/0"])
def test_a_library_that_does_harm_when_imported(patient: Patient, source: str) -> None:
    patient.add_distribution("waitress", "3.0", waitress__server=source)

    assert row_of(patient.examine(), "waitress")["state"] == "broken"


def test_an_instrumentor_that_fails(patient: Patient) -> None:
    patient.add_distribution("waitress", "3.0", waitress__server="")
    (patient.packages / "sitecustomize.py").write_text(
        "import sys; sys.modules['otel_run_instrumentors.waitress'] = None"
    )
    document = patient.examine()
    row = row_of(document, "waitress")

    assert (row["state"], row["version"]) == ("not patched", "3.0")
    assert row["reason"].startswith("its instrumentor fails: ModuleNotFoundError: ")
    assert problems(document) == [f"problem: waitress 3.0: not patched: {row['reason']} → {BUG}"]


def test_what_is_required_and_missing(patient: Patient) -> None:
    document = patient.examine(
        flags=("--disable", "http.client"),
        env={"OTEL_RUN_REQUIRE": "sqlite3,flask,redis,sqlit,http-client"},
    )

    assert problems(document) == [
        (
            "problem: OTEL_RUN_REQUIRE=flask: not installed "
            "→ install it in this Python, or take it out"
        ),
        (
            "problem: OTEL_RUN_REQUIRE=http-client: disabled: left alone, as "
            "OTEL_PYTHON_DISABLED_INSTRUMENTATIONS says → take it out of one of the two"
        ),
        (
            "problem: OTEL_RUN_REQUIRE=redis: otel-run has nothing for it "
            "→ take it out; otel-run libraries lists what is recorded"
        ),
        (
            "problem: OTEL_RUN_REQUIRE=sqlit: no library is called sqlit (did you mean sqlite3?) "
            "→ correct it"
        ),
    ]


@pytest.mark.parametrize(
    ("version", "versions", "within"),
    [
        ("2.0", ">=2", True),
        ("2", ">=2.0.0", True),
        ("1.26.20", ">=1.26", True),
        ("1.9", ">=1.26", False),
        ("3.0.0rc1", ">=3", True),
        ("2.0.post1", ">=2.0", True),
        ("2.1+local", ">=2,<2.1", False),
        ("3.0", ">=2,<3", False),
        ("2.5", ">2.5", False),
        ("2.2.0", "!=2.2", False),
        ("1.0", "", True),
    ],
)
def test_versions_are_compared_by_their_numbers(
    version: str,
    versions: str,
    within: bool,  # noqa: FBT001
) -> None:
    assert is_within(version, versions) is within
