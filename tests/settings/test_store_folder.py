"""The local store is where state belongs, and always at an absolute path."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from otel_run.settings import load
from otel_run.store_folder import find_store

if TYPE_CHECKING:
    from pathlib import Path

USUAL = "/home/ada/.local/state/otel-run"


@pytest.mark.parametrize(
    ("environ", "store"),
    [
        ({}, USUAL),
        ({"OTEL_RUN_STORE": "/var/otel", "XDG_STATE_HOME": "/state"}, "/var/otel"),
        ({"OTEL_RUN_STORE": "/a/../store/"}, "/store"),
        ({"OTEL_RUN_STORE": " "}, USUAL),
        ({"OTEL_RUN_STORE": "~"}, "/home/ada"),
        ({"OTEL_RUN_STORE": "~/telemetry"}, "/home/ada/telemetry"),
        ({"XDG_STATE_HOME": "/state"}, "/state/otel-run"),
        ({"XDG_STATE_HOME": "state"}, USUAL),
        ({"HOME": "ada"}, "/ada/.local/state/otel-run"),
    ],
)
def test_the_store_is_where_state_belongs(environ: dict[str, str], store: str) -> None:
    environ = {"HOME": "/home/ada"} | environ

    assert find_store(environ) == store
    assert load(environ).store == store


def test_without_a_home_it_is_where_the_system_knows_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/grace")

    assert find_store({}) == "/home/grace/.local/state/otel-run"


def test_it_may_be_relative_to_the_working_folder_as_long_as_there_is_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    environ = {"HOME": "/home/ada", "OTEL_RUN_STORE": "store"}
    working = tmp_path / "working"
    working.mkdir()
    monkeypatch.chdir(working)

    assert find_store(environ) == str(working / "store")

    working.rmdir()

    assert find_store(environ) == USUAL
