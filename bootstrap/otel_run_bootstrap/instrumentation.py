"""A library is imported: its instrumentor is, too, and patches it."""

from __future__ import annotations

import os
import sys

from otel_run_bootstrap.mistake import give_up
from otel_run_instrumentors.registry import CARRIERS, INSTRUMENTORS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from otel_run.settings import Settings

DISABLED = "OTEL_PYTHON_DISABLED_INSTRUMENTATIONS"
REQUIRED = "OTEL_RUN_REQUIRE"

looked = False
told = False
broken = False
carrying = False


def instrument(module_name: str) -> None:
    """Patch what the registry says of a module that was executed just now."""
    if broken or (module_name in CARRIERS and not carrying) or is_in_shadow():
        return
    try:
        is_patched = patch(module_name)
    except Exception:
        check_agent()
        raise
    if is_patched and not carrying:
        carry()
        if "uwsgi" in sys.modules:
            adapt_to_host()


def is_in_shadow() -> bool:
    """Tell, once it is looked for, whether a module of the program's stands in the agent's way."""
    global broken, looked  # noqa: PLW0603 (what is imported by now stays)
    if not looked:
        looked = True
        from otel_run.shadow import ALWAYS, explain, find_shadow

        path = find_shadow(ALWAYS)
        if path:
            broken = True
            give_up(f": {explain(path)}")
    return broken


def patch(module_name: str) -> bool:
    """Patch a module, unless its library is to be left alone."""
    reference = wanted(module_name)
    if not reference:
        return False
    __import__(reference)
    sys.modules[reference].INSTRUMENTOR.patch(module_name)
    return True


def wanted(module_name: str) -> str:
    """Return the module of the instrumentor; "" where its library is to be left alone."""
    reference = INSTRUMENTORS[module_name]
    disabled = read_settings().disabled_instrumentations
    if disabled:
        from otel_run_instrumentors.names import is_named

        return "" if is_named(reference, disabled) else reference
    return reference


def carry() -> None:
    """Patch what carries along and is imported by now; the rest is patched when it is."""
    global carrying  # noqa: PLW0603 (from the first library on)
    carrying = True
    for name in CARRIERS:
        if is_executed(name):
            patch(name)


def adapt_to_host() -> None:
    from otel_run_bootstrap.host import adapt

    adapt()


def is_executed(module_name: str) -> bool:
    spec = getattr(sys.modules.get(module_name), "__spec__", None)
    return spec is not None and not getattr(spec, "_initializing", False)


def read_settings() -> Settings:
    """Return the settings; the first process of a run says what cannot be used, once."""
    global told  # noqa: PLW0603 (once in a process, and never in its forks)
    from otel_run.settings import current

    settings = current()
    if not told:
        told = True
        if settings.root or not settings.root_pid:
            complain(settings)
        if settings.root:
            introduce(settings)
    return settings


def introduce(settings: Settings) -> None:
    """Say where the run's telemetry goes: where somebody looks, unless `-q` asks for silence."""
    stderr = sys.__stderr__
    is_seen = stderr is not None and not stderr.closed and stderr.isatty()
    if settings.verbosity > 0 or (is_seen and not settings.verbosity):
        from otel_run.notice import say
        from otel_run_bootstrap.introduction import introduction

        say(introduction(settings))


def complain(settings: Settings) -> None:
    lines = list(settings.complaints)
    lines += unknown_names(DISABLED, settings.disabled_instrumentations)
    lines += unknown_names(REQUIRED, settings.required_instrumentations)
    if lines:
        from otel_run.notice import inform

        for line in lines:
            inform(line)


def unknown_names(variable: str, names: frozenset[str]) -> list[str]:
    """Return what there is to say of libraries in a variable that nobody knows."""
    if not names:
        return []
    from otel_run_instrumentors.names import explain, unknown

    strangers = unknown(names)
    if not strangers:
        return []
    from otel_run.settings.complaint import compose
    from otel_run.settings.environment import REST

    instead = REST if len(strangers) < len(names) else ""
    problem = ValueError(explain(strangers))
    return [compose(variable, os.environ.get(variable, ""), problem, instead)]


def check_agent() -> None:
    """Where it is not one instrumentor that fails but all must, say why, and try no other."""
    global broken  # noqa: PLW0603 (what cannot be loaded now cannot be loaded later)
    try:
        __import__("otel_run.engine")
    except Exception as error:
        broken = True
        give_up(f", the agent cannot start: {error} (install otel-run again)")
