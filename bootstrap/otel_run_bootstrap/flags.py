"""The command's flags: each sets the variables that it is named after."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NoReturn


class UsageError(Exception):
    """What is wrong with a command line, in one line."""


class Flag:
    """In `variables` a `{}` is the flag's value; without `value` it takes none."""

    __slots__ = ("meaning", "name", "value", "variables")

    def __init__(self, name: str, value: str, meaning: str, **variables: str) -> None:
        self.name = name
        self.value = value
        self.meaning = meaning
        self.variables = variables


FLAGS = (
    Flag("--service-name", "NAME", "name of the service", OTEL_SERVICE_NAME="{}"),
    Flag("--endpoint", "URL", "send to this OTLP endpoint", OTEL_EXPORTER_OTLP_ENDPOINT="{}"),
    Flag("--protocol", "NAME", "how: http/protobuf", OTEL_EXPORTER_OTLP_PROTOCOL="{}"),
    Flag("--headers", "K=V,...", "sent with every export", OTEL_EXPORTER_OTLP_HEADERS="{}"),
    Flag("--traces-exporter", "NAMES", "otlp, local, console, none", OTEL_TRACES_EXPORTER="{}"),
    Flag("--metrics-exporter", "NAMES", "the same for metrics", OTEL_METRICS_EXPORTER="{}"),
    Flag("--logs-exporter", "NAMES", "the same for logs", OTEL_LOGS_EXPORTER="{}"),
    Flag("--propagators", "NAMES", "tracecontext, baggage, none", OTEL_PROPAGATORS="{}"),
    Flag(
        *("--resource-attributes", "K=V,...", "what else describes the service"),
        OTEL_RESOURCE_ATTRIBUTES="{}",
    ),
    Flag(
        *("--sample", "RATIO", "record this part of the traces: 0.1 is a tenth"),
        OTEL_TRACES_SAMPLER="parentbased_traceidratio",
        OTEL_TRACES_SAMPLER_ARG="{}",
    ),
    Flag(
        *("--disable", "NAMES", "leave these libraries alone: requests,flask"),
        OTEL_PYTHON_DISABLED_INSTRUMENTATIONS="{}",
    ),
    Flag("-v", "", "say more", OTEL_RUN_VERBOSITY="1"),
    Flag("-q", "", "say only what fails", OTEL_RUN_VERBOSITY="-1"),
    Flag("--version", "", "print the version"),
    Flag("--help", "", "print this"),
)
ALIASES = {"-h": "--help", "-V": "--version", "--verbose": "-v", "--quiet": "-q"}


def read(arguments: list[str]) -> tuple[dict[str, str], list[str], list[str]]:
    """Split `[flags] COMMAND [ARGS...]`: variables to set, names of flags given, the command.

    `--` ends the flags and is one of those given. Raises UsageError.
    """
    variables: dict[str, str] = {}
    given: list[str] = []
    rest = list(arguments)
    while rest and rest[0].startswith("-") and "--" not in given:
        name, equals, value = rest.pop(0).partition("=")
        given.append(ALIASES.get(name, name))
        if name != "--":
            flag = find(given[-1])
            if flag.value and not equals:
                value = next_value(flag, rest)
            elif equals and not flag.value:
                raise UsageError(f"{name} takes no value")
            variables.update((k, v.format(value)) for k, v in flag.variables.items())
    return variables, given, rest


def find(name: str) -> Flag:
    for flag in FLAGS:
        if flag.name == name:
            return flag
    return refuse(name)


def next_value(flag: Flag, rest: list[str]) -> str:
    if not rest:
        raise UsageError(f"{flag.name} needs a value: {flag.name} {flag.value}")
    return rest.pop(0)


def refuse(name: str) -> NoReturn:
    from difflib import get_close_matches

    close = get_close_matches(name, [flag.name for flag in FLAGS], 1)
    hint = f", did you mean {close[0]}?" if close else ", see otel-run --help"
    raise UsageError(f"there is no flag {name}{hint}")
