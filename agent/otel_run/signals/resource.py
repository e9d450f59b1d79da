"""The resource: which service, process and host all of a process's telemetry comes from.

`telemetry.sdk.name` is our own: the conventions reserve `opentelemetry` for the official SDKs.
Command-line arguments are never part of it, since they may hold secrets.
"""

from __future__ import annotations

import os
import sys

from otel_run import __version__

TYPE_CHECKING = False
if TYPE_CHECKING:
    from otel_run.settings import Settings

SCHEMA_URL = "https://opentelemetry.io/schemas/1.44.0"
NAME = "otel-run"
UNKNOWN_SERVICE = "unknown_service:python"

# sys.platform, where os.type has another word for it.
OS_TYPES = {"win32": "windows", "cygwin": "windows", "sunos": "solaris", "hp-ux": "hpux"}

_instance_id = ""


def new_instance_id() -> str:
    """Draw a service.instance.id (a random UUID) for this process; again in every forked child."""
    global _instance_id  # noqa: PLW0603  the one process that this module's state belongs to
    octets = bytearray(os.urandom(16))
    # RFC 9562, section 5.4: version 4, variant 10.
    octets[6] = octets[6] & 0x0F | 0x40
    octets[8] = octets[8] & 0x3F | 0x80
    digits = octets.hex()
    _instance_id = "-".join(
        (digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]),
    )
    return _instance_id


def attributes(settings: Settings) -> dict[str, str | int]:
    """The resource's attributes in this process, now; what the user set wins."""
    found: dict[str, str | int] = {
        "service.instance.id": _instance_id or new_instance_id(),
        "telemetry.sdk.name": NAME,
        "telemetry.sdk.language": "python",
        "telemetry.sdk.version": __version__,
        "telemetry.distro.name": NAME,
        "telemetry.distro.version": __version__,
        **_process(),
        **_host(),
        **settings.resource_attributes,
    }
    found["service.name"] = service_name(settings)
    return found


def service_name(settings: Settings) -> str:
    """The name alone. No id is drawn for it: who asks may yet fork, past all hooks."""
    given = settings.service_name or settings.resource_attributes.get("service.name")
    return given or _inferred_name() or UNKNOWN_SERVICE


def _process() -> dict[str, str | int]:
    found: dict[str, str | int] = {
        "process.pid": os.getpid(),
        "process.runtime.name": sys.implementation.name,
        "process.runtime.version": _runtime_version(),
        "process.runtime.description": sys.version,
    }
    # Empty where Python is embedded in another program.
    if sys.executable:
        found["process.executable.name"] = os.path.basename(sys.executable)
        found["process.executable.path"] = sys.executable
    return found


def _runtime_version() -> str:
    """As the conventions for Python want it: 3.14.0, or 3.15.0.beta.1 before the final release."""
    major, minor, micro, level, serial = sys.version_info
    parts = (major, minor, micro) if level == "final" else (major, minor, micro, level, serial)
    return ".".join(map(str, parts))


def _host() -> dict[str, str]:
    found = {"os.type": OS_TYPES.get(sys.platform, sys.platform.rstrip("0123456789"))}
    if hasattr(os, "uname"):
        found["host.name"] = os.uname().nodename
    return found


def _inferred_name() -> str:
    from otel_run import argv, guard
    from otel_run.service_name import infer

    try:
        return infer(argv.find())
    except Exception as error:
        guard.caught(error, "resource")
        return ""
