"""What the environment asks for: the only reader of `os.environ`.

A bad setting never stops the program: each is one line in `complaints`, and the default is used.
"""

from __future__ import annotations

import os

from otel_run import run_entry, variables
from otel_run.settings import values
from otel_run.settings.endpoint import Endpoint, check_keys, check_protocol, read_endpoint
from otel_run.settings.environment import REST, Environment
from otel_run.store_folder import find_store

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

__all__ = ["Endpoint", "Settings", "current", "load"]

SIGNALS = ("traces", "metrics", "logs")
EXPORTERS = ("otlp", "local", "console")
PROPAGATORS = ("tracecontext", "baggage")
SAMPLERS = (
    "always_on",
    "always_off",
    "traceidratio",
    "parentbased_always_on",
    "parentbased_always_off",
    "parentbased_traceidratio",
)
# How much each level of OTEL_LOG_LEVEL says, as OTEL_RUN_VERBOSITY has it.
LOG_LEVELS = {
    **dict.fromkeys(("all", "trace", "verbose", "debug"), "1"),
    **dict.fromkeys(("info", "warn", "warning"), "0"),
    **dict.fromkeys(("error", "critical", "fatal", "none", "off"), "-1"),
}
# RFC 9110, RFC 5789 and, since 1.42 of the semantic conventions, QUERY.
KNOWN_METHODS = "CONNECT,DELETE,GET,HEAD,OPTIONS,PATCH,POST,PUT,QUERY,TRACE"
# Messages of which headers can be recorded.
MESSAGES = ("server_request", "server_response", "client_request", "client_response")


# What probes ask for, over and over.
HEALTH_CHECKS = frozenset(("/healthz", "/livez", "/readyz", "/metrics"))

# The libraries that OpenTelemetry has such a variable for: OTEL_PYTHON_FLASK_EXCLUDED_URLS.
EXCLUDING_CLIENTS = ("AIOHTTP_CLIENT", "HTTPX", "REQUESTS", "URLLIB", "URLLIB3")
EXCLUDING_SERVERS = (
    "AIOHTTP_SERVER",
    "ASGI",
    "DJANGO",
    "FALCON",
    "FASTAPI",
    "FLASK",
    "PYRAMID",
    "STARLETTE",
    "TORNADO",
    "WSGI",
)


class Settings:
    """Every setting, with the variable that sets it; durations in seconds."""

    __slots__ = (
        "attribute_count_limit",
        "attribute_length_limit",
        "captured_headers",
        "complaints",
        "disabled",
        "disabled_instrumentations",
        "endpoints",
        "event_attribute_count_limit",
        "excluded_client_urls",
        "excluded_paths",
        "excluded_server_urls",
        "export_timeout",
        "exporters",
        "known_methods",
        "link_attribute_count_limit",
        "max_export_batch_size",
        "max_queue_size",
        "metric_export_interval",
        "metric_export_timeout",
        "propagate_to",
        "propagators",
        "queue_size_is_set",
        "required_instrumentations",
        "resource_attributes",
        "root_pid",
        "run_folder",
        "sampler",
        "sampler_ratio",
        "sanitized_headers",
        "schedule_delay",
        "service_name",
        "span_event_count_limit",
        "span_link_count_limit",
        "store",
        "summary",
        "trust_forwarded",
        "verbosity",
    )

    # OTEL_SDK_DISABLED
    disabled: bool
    # OTEL_PYTHON_DISABLED_INSTRUMENTATIONS, in lower case; "*" stands for all
    disabled_instrumentations: frozenset[str]
    # OTEL_RUN_REQUIRE, the same: those of which a missing patch is told
    required_instrumentations: frozenset[str]
    # OTEL_SERVICE_NAME, "" when unset
    service_name: str
    # OTEL_RESOURCE_ATTRIBUTES
    resource_attributes: dict[str, str]
    # OTEL_{TRACES,METRICS,LOGS}_EXPORTER: of EXPORTERS by signal; () for `none`
    exporters: dict[str, tuple[str, ...]]
    # OTEL_EXPORTER_OTLP_[{TRACES,METRICS,LOGS}_]…, by signal
    endpoints: dict[str, Endpoint]
    # OTEL_TRACES_SAMPLER, OTEL_TRACES_SAMPLER_ARG
    sampler: str
    sampler_ratio: float
    # OTEL_PROPAGATORS, of PROPAGATORS
    propagators: tuple[str, ...]
    # OTEL_RUN_PROPAGATE_TO, patterns of hosts in lower case; () for all
    propagate_to: tuple[str, ...]
    # OTEL_[SPAN_]ATTRIBUTE_COUNT_LIMIT
    attribute_count_limit: int
    # OTEL_[SPAN_]ATTRIBUTE_VALUE_LENGTH_LIMIT, None without a limit
    attribute_length_limit: int | None
    # OTEL_SPAN_EVENT_COUNT_LIMIT, OTEL_SPAN_LINK_COUNT_LIMIT
    span_event_count_limit: int
    span_link_count_limit: int
    # OTEL_{EVENT,LINK}_ATTRIBUTE_COUNT_LIMIT, else OTEL_ATTRIBUTE_COUNT_LIMIT
    event_attribute_count_limit: int
    link_attribute_count_limit: int
    # OTEL_BSP_SCHEDULE_DELAY
    schedule_delay: float
    # OTEL_BSP_EXPORT_TIMEOUT, None without a limit
    export_timeout: float | None
    # OTEL_BSP_MAX_QUEUE_SIZE, and whether it holds something usable
    max_queue_size: int
    queue_size_is_set: bool
    # OTEL_BSP_MAX_EXPORT_BATCH_SIZE, never above the queue's
    max_export_batch_size: int
    # OTEL_METRIC_EXPORT_INTERVAL
    metric_export_interval: float
    # OTEL_METRIC_EXPORT_TIMEOUT, None without a limit
    metric_export_timeout: float | None
    # OTEL_INSTRUMENTATION_HTTP_KNOWN_METHODS
    known_methods: frozenset[str]
    # OTEL_PYTHON_EXCLUDED_URLS with OTEL_PYTHON_<LIBRARY>_EXCLUDED_URLS: regular expressions
    excluded_client_urls: tuple[str, ...]
    excluded_server_urls: tuple[str, ...]
    # HEALTH_CHECKS, unless OTEL_RUN_EXCLUDE_HEALTH_CHECKS is false
    excluded_paths: frozenset[str]
    # OTEL_RUN_TRUST_FORWARDED
    trust_forwarded: bool
    # OTEL_INSTRUMENTATION_HTTP_CAPTURE_HEADERS_…: names or patterns, by MESSAGES
    captured_headers: dict[str, tuple[str, ...]]
    # OTEL_INSTRUMENTATION_HTTP_CAPTURE_HEADERS_SANITIZE_FIELDS, the same
    sanitized_headers: tuple[str, ...]
    # The run's entry of PYTHONPATH: its folder, "" without the command
    run_folder: str
    # OTEL_RUN_STORE, else ${XDG_STATE_HOME:-~/.local/state}/otel-run: what holds all runs
    store: str
    # The same: the run's first Python, "" without the command
    root_pid: str
    # OTEL_RUN_SUMMARY, None when unset
    summary: bool | None
    # OTEL_RUN_VERBOSITY, else OTEL_LOG_LEVEL: -1 quiet, 0, 1 verbose
    verbosity: int
    # One line for each setting that cannot be used as it is
    complaints: tuple[str, ...]

    @property
    def root(self) -> bool:
        """Whether this is the run's first Python, and no child of it."""
        return self.root_pid == str(os.getpid())


# Field, its variables from the most to the least specific, type, default as one would write it.
VARIABLES: tuple[tuple[str, tuple[str, ...], Callable[[str], object], str], ...] = (
    ("service_name", ("OTEL_SERVICE_NAME",), str, ""),
    ("resource_attributes", ("OTEL_RESOURCE_ATTRIBUTES",), values.pairs, ""),
    (
        "sampler",
        ("OTEL_TRACES_SAMPLER",),
        values.one_of(*SAMPLERS),
        "parentbased_always_on",
    ),
    (
        "attribute_count_limit",
        ("OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT", "OTEL_ATTRIBUTE_COUNT_LIMIT"),
        values.count,
        "128",
    ),
    (
        "attribute_length_limit",
        ("OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT", "OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT"),
        values.limit,
        values.NO_LIMIT,
    ),
    ("span_event_count_limit", ("OTEL_SPAN_EVENT_COUNT_LIMIT",), values.count, "128"),
    ("span_link_count_limit", ("OTEL_SPAN_LINK_COUNT_LIMIT",), values.count, "128"),
    (
        "event_attribute_count_limit",
        ("OTEL_EVENT_ATTRIBUTE_COUNT_LIMIT", "OTEL_ATTRIBUTE_COUNT_LIMIT"),
        values.count,
        "128",
    ),
    (
        "link_attribute_count_limit",
        ("OTEL_LINK_ATTRIBUTE_COUNT_LIMIT", "OTEL_ATTRIBUTE_COUNT_LIMIT"),
        values.count,
        "128",
    ),
    ("schedule_delay", ("OTEL_BSP_SCHEDULE_DELAY",), values.duration, "5000"),
    ("export_timeout", ("OTEL_BSP_EXPORT_TIMEOUT",), values.timeout, "30000"),
    ("metric_export_interval", ("OTEL_METRIC_EXPORT_INTERVAL",), values.interval, "60000"),
    ("metric_export_timeout", ("OTEL_METRIC_EXPORT_TIMEOUT",), values.timeout, "30000"),
    ("propagate_to", ("OTEL_RUN_PROPAGATE_TO",), values.hosts, ""),
)

# Variables of which only the default is built in.
FIXED = (
    ("OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE", "cumulative"),
    ("OTEL_EXPORTER_OTLP_METRICS_DEFAULT_HISTOGRAM_AGGREGATION", "explicit_bucket_histogram"),
)

_current: Settings | None = None


def current() -> Settings:
    """The settings of this process, read once; what the program took away is still asked for."""
    global _current  # noqa: PLW0603  one process has one environment
    if _current is None:
        _current = load({**variables, **os.environ}, run_entry.own)
    return _current


def load(environ: Mapping[str, str], entry: str = "") -> Settings:
    """The settings that an environment asks for; never raises.

    `entry` is the run's, where it need not be on PYTHONPATH any more.
    """
    environment = Environment(environ)
    settings = Settings()
    for field, names, parse, default in VARIABLES:
        setattr(settings, field, environment.read(names, parse, default))
    settings.disabled = bool(environment.flag("OTEL_SDK_DISABLED"))
    settings.summary = environment.flag("OTEL_RUN_SUMMARY")
    settings.trust_forwarded = environment.flag("OTEL_RUN_TRUST_FORWARDED") is not False
    settings.propagators = environment.choices("OTEL_PROPAGATORS", PROPAGATORS, PROPAGATORS)
    settings.store = find_store(environ)
    entry = entry or run_entry.find(environ.get("PYTHONPATH", ""))
    settings.run_folder, settings.root_pid = run_entry.read(entry)
    _read_lists(environment, settings)
    _read_exclusions(environment, settings)
    _check_receivers(environment, settings)
    _read_verbosity(environment, settings)
    _read_ratio(environment, settings)
    _read_queue(environment, settings)
    _read_exporters(environment, settings)
    if environment.given:
        _check_names(environment)
    settings.complaints = tuple(environment.complaints)
    return settings


def _read_lists(environment: Environment, settings: Settings) -> None:
    disabled = environment.text("OTEL_PYTHON_DISABLED_INSTRUMENTATIONS").lower()
    settings.disabled_instrumentations = frozenset(values.listed(disabled))
    required = environment.text("OTEL_RUN_REQUIRE").lower()
    settings.required_instrumentations = frozenset(values.listed(required))
    methods = values.listed(environment.text("OTEL_INSTRUMENTATION_HTTP_KNOWN_METHODS"))
    settings.known_methods = frozenset(methods or values.listed(KNOWN_METHODS))
    prefix = "OTEL_INSTRUMENTATION_HTTP_CAPTURE_HEADERS"
    settings.captured_headers = {
        message: environment.patterns(f"{prefix}_{message.upper()}", "") for message in MESSAGES
    }
    # Where it is not clear what must not be seen, nothing is.
    settings.sanitized_headers = environment.patterns(f"{prefix}_SANITIZE_FIELDS", ".*")


def _read_exclusions(environment: Environment, settings: Settings) -> None:
    everywhere = environment.patterns("OTEL_PYTHON_EXCLUDED_URLS", "")
    clients, servers = (
        tuple(
            pattern
            for library in libraries
            for pattern in environment.patterns(f"OTEL_PYTHON_{library}_EXCLUDED_URLS", "")
        )
        for libraries in (EXCLUDING_CLIENTS, EXCLUDING_SERVERS)
    )
    settings.excluded_client_urls = (*everywhere, *clients)
    settings.excluded_server_urls = (*everywhere, *servers)
    excludes = environment.flag("OTEL_RUN_EXCLUDE_HEALTH_CHECKS") is not False
    settings.excluded_paths = HEALTH_CHECKS if excludes else frozenset()


def _check_receivers(environment: Environment, settings: Settings) -> None:
    # What names no host stays: it means none, where no patterns at all would mean every host.
    hosts = settings.propagate_to
    if "" in hosts:
        problem = ValueError(f"part {hosts.index('') + 1} names no host")
        instead = REST if any(hosts) else "no host"
        environment.complain("OTEL_RUN_PROPAGATE_TO", problem, instead)


def _read_verbosity(environment: Environment, settings: Settings) -> None:
    level = environment.read(("OTEL_LOG_LEVEL",), values.one_of(*LOG_LEVELS), "info")
    settings.verbosity = environment.read(
        ("OTEL_RUN_VERBOSITY",), values.verbosity, LOG_LEVELS[level]
    )


def _read_ratio(environment: Environment, settings: Settings) -> None:
    settings.sampler_ratio = 1.0
    name = "OTEL_TRACES_SAMPLER_ARG"
    if settings.sampler.endswith("traceidratio"):
        settings.sampler_ratio = environment.read((name,), values.ratio, "1")
    elif name in environment.given and "OTEL_TRACES_SAMPLER" not in environment.given:
        problem = "means something only to a sampler that OTEL_TRACES_SAMPLER names"
        environment.complain(name, ValueError(problem), "")


def _read_queue(environment: Environment, settings: Settings) -> None:
    # 65,536 rather than the specification's 2,048: a burst must not be lost (docs/architecture.md).
    source, queue = environment.first(("OTEL_BSP_MAX_QUEUE_SIZE",), values.size, "65536")
    settings.max_queue_size = queue
    settings.queue_size_is_set = bool(source)
    name = "OTEL_BSP_MAX_EXPORT_BATCH_SIZE"
    source, batch = environment.first((name,), values.size, "512")
    if source and batch > queue:
        problem = ValueError("greater than the queue (OTEL_BSP_MAX_QUEUE_SIZE)")
        environment.complain(name, problem, str(queue))
    settings.max_export_batch_size = min(batch, queue)


def _read_exporters(environment: Environment, settings: Settings) -> None:
    settings.exporters = {}
    settings.endpoints = {}
    for signal in SIGNALS:
        upper = signal.upper()
        default = "otlp"
        endpoints = (f"OTEL_EXPORTER_OTLP_{upper}_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
        if settings.run_folder and not environment.text(*endpoints):
            default = "local"
        chosen = environment.choices(f"OTEL_{upper}_EXPORTER", EXPORTERS, (default,))
        settings.exporters[signal] = chosen
        settings.endpoints[signal] = endpoint = read_endpoint(environment, signal)
        if "otlp" in chosen:
            check_protocol(environment, signal, endpoint)


def _check_names(environment: Environment) -> None:
    for name, only in FIXED:
        environment.read((name,), values.one_of(only), only)
    for name in ("OTEL_CONFIG_FILE", "OTEL_EXPERIMENTAL_CONFIG_FILE"):
        if name in environment.given:
            environment.complain(name, ValueError("files are not read"), "the environment")
    check_keys(environment)
    environment.check_names()
