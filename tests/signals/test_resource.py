"""What a process says of itself, from inside real processes."""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
import uuid
from pathlib import Path
from typing import Any

import pytest

import otel_run
from otel_run.settings import load
from otel_run.signals import resource

AGENT = str(Path(otel_run.__file__).parents[1])

PROGRAM = """
import json
from otel_run import settings
from otel_run.signals.resource import attributes
print(json.dumps(attributes(settings.current())), flush=True)
"""


def start(arguments: list[str], **environ: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, *arguments],
        env={"PYTHONPATH": AGENT} | environ,
        stdout=subprocess.PIPE,
        text=True,
    )


def attributes_in(arguments: list[str], **environ: str) -> tuple[int, list[dict[str, Any]]]:
    """The pid of a process, and each resource that it printed."""
    process = start(arguments, **environ)
    printed, _ = process.communicate()
    assert process.returncode == 0
    return process.pid, [json.loads(line) for line in printed.splitlines()]


@pytest.fixture
def script(tmp_path: Path) -> str:
    path = tmp_path / "checkout.py"
    path.write_text(PROGRAM)
    return str(path)


def test_a_process_says_what_it_is(script: str) -> None:
    pid, [found] = attributes_in([script, "--password", "hunter2"])

    identity = uuid.UUID(found.pop("service.instance.id"))
    assert (identity.version, identity.variant) == (4, uuid.RFC_4122)
    assert found == {
        "service.name": "checkout",
        "telemetry.sdk.name": "otel-run",
        "telemetry.sdk.language": "python",
        "telemetry.sdk.version": otel_run.__version__,
        "telemetry.distro.name": "otel-run",
        "telemetry.distro.version": otel_run.__version__,
        "process.pid": pid,
        "process.executable.name": Path(sys.executable).name,
        "process.executable.path": sys.executable,
        "process.runtime.name": "cpython",
        "process.runtime.version": platform.python_version(),
        "process.runtime.description": sys.version,
        "host.name": platform.node(),
        "os.type": platform.system().lower(),
    }


def test_what_the_user_set_wins(script: str) -> None:
    pid, [found] = attributes_in(
        [script],
        OTEL_RESOURCE_ATTRIBUTES="service.instance.id=worker-1,host.name=h,service.name=other,a=b",
        OTEL_SERVICE_NAME="shop",
    )

    assert {name: found[name] for name in ("service.instance.id", "host.name", "a")} == {
        "service.instance.id": "worker-1",
        "host.name": "h",
        "a": "b",
    }
    assert found["service.name"] == "shop"
    assert found["process.pid"] == pid


@pytest.mark.parametrize(
    ("environ", "name"),
    [
        ({}, "checkout"),
        ({"OTEL_RESOURCE_ATTRIBUTES": "service.name=other"}, "other"),
        ({"OTEL_RESOURCE_ATTRIBUTES": "service.name="}, "checkout"),
        ({"OTEL_SERVICE_NAME": "shop"}, "shop"),
    ],
)
def test_a_service_has_the_name_that_it_was_given_or_that_of_its_program(
    script: str, environ: dict[str, str], name: str
) -> None:
    _, [found] = attributes_in([script], **environ)

    assert found["service.name"] == name


def test_only_a_program_without_a_name_is_unknown() -> None:
    _, [found] = attributes_in(["-c", PROGRAM])

    assert found["service.name"] == "unknown_service:python"


FORK = f"""
import os
{PROGRAM}
from otel_run.signals.resource import new_instance_id
child = os.fork()
if child:
    os.waitpid(child, 0)
else:
    new_instance_id()
print(json.dumps(attributes(settings.current())), flush=True)
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this system")
def test_a_forked_child_is_an_instance_of_its_own() -> None:
    pid, [before, child, after] = attributes_in(["-c", FORK])

    assert before == after
    assert {name for name in before if before[name] != child[name]} == {
        "service.instance.id",
        "process.pid",
    }
    assert before["process.pid"] == pid


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this system")
def test_an_instance_id_that_the_user_set_is_kept_in_children() -> None:
    _, found = attributes_in(["-c", FORK], OTEL_RESOURCE_ATTRIBUTES="service.instance.id=one")

    assert [attributes["service.instance.id"] for attributes in found] == ["one"] * 3


def test_every_instance_id_is_new() -> None:
    assert len({resource.new_instance_id() for _ in range(100)}) == 100


def test_a_resource_costs_no_heavy_import(script: str) -> None:
    program = "import __future__, os, sys; before = set(sys.modules)\n" + PROGRAM.replace(
        "import json", ""
    ).replace("json.dumps(", "(")
    builtin = "sys.builtin_module_names"
    ours = f'print(*[n for n in new if not n.startswith("otel_run") and n not in {builtin}])'
    Path(script).write_text(f"{program}\nnew = set(sys.modules) - before\n{ours}\n")

    process = start([script])
    printed, _ = process.communicate()

    assert printed.splitlines()[1:] == [""]


def test_the_attributes_are_those_of_the_conventions_that_the_schema_names() -> None:
    assert resource.SCHEMA_URL == "https://opentelemetry.io/schemas/1.44.0"
    assert all(isinstance(value, str | int) for value in resource.attributes(load({})).values())
