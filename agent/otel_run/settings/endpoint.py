"""Where OTLP goes, for each signal (the specification's protocol/exporter.md)."""

from __future__ import annotations

from otel_run.settings.environment import REST
from otel_run.settings.values import one_of, size, timeout

TYPE_CHECKING = False
if TYPE_CHECKING:
    from otel_run.settings.environment import Environment

    Headers = tuple[tuple[str, str], ...]

DEFAULT = "http://localhost:4318"
LARGEST_PORT = 65535

parse_compression = one_of("none", "gzip")


class Endpoint:
    """One signal's OTLP/HTTP endpoint.

    `url` is complete, `timeout` in seconds (None: no limit), `compression` "none" or "gzip"; the
    paths of PEM files are "" when unset. A name and password in the URL have become a header.
    """

    __slots__ = (
        "certificate",
        "client_certificate",
        "client_key",
        "compression",
        "headers",
        "timeout",
        "url",
    )

    url: str
    headers: Headers
    timeout: float | None
    compression: str
    certificate: str
    client_certificate: str
    client_key: str


class Target:
    """An endpoint's URL in parts; `origin` is scheme, host and port."""

    __slots__ = ("origin", "path", "query", "user")

    def __init__(self, origin: str, path: str, query: str, user: str) -> None:
        self.origin = origin
        self.path = path
        self.query = query
        self.user = user


def read_endpoint(environment: Environment, signal: str) -> Endpoint:
    """What the variables say for one of "traces", "metrics" and "logs"."""

    def names(option: str) -> tuple[str, str]:
        return (
            f"OTEL_EXPORTER_OTLP_{signal.upper()}_{option}",
            f"OTEL_EXPORTER_OTLP_{option}",
        )

    own, general = names("ENDPOINT")
    source, target = environment.first((own, general), parse_target, DEFAULT)
    path = target.path if source == own else f"{target.path.rstrip('/')}/v1/{signal}"
    endpoint = Endpoint()
    endpoint.url = f"{target.origin}{path}{target.query}"
    endpoint.headers = _authorized(_read_headers(environment, names("HEADERS")), target.user)
    endpoint.timeout = environment.read(names("TIMEOUT"), timeout, "10000")
    endpoint.compression = environment.read(names("COMPRESSION"), parse_compression, "none")
    endpoint.certificate = environment.text(*names("CERTIFICATE"))
    endpoint.client_certificate = environment.text(*names("CLIENT_CERTIFICATE"))
    key = environment.text(*names("CLIENT_KEY"))
    endpoint.client_key = key if endpoint.client_certificate else ""
    return endpoint


def check_protocol(environment: Environment, signal: str, endpoint: Endpoint) -> None:
    """Complain of a protocol that is not built in."""
    problem = "only http/protobuf is built in"
    if ":4317/" in endpoint.url:
        problem += ", and its port is usually 4318, not 4317"
    for name in (f"OTEL_EXPORTER_OTLP_{signal.upper()}_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL"):
        protocol = environment.given.get(name)
        if protocol and protocol.lower() != "http/protobuf":
            environment.complain(name, ValueError(problem), "http/protobuf")
        if protocol:
            return


def check_keys(environment: Environment) -> None:
    """Complain of client keys where there is no certificate to any."""
    if any(name.endswith("_CLIENT_CERTIFICATE") for name in environment.given):
        return
    problem = ValueError("means something only with OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE")
    for name in environment.given:
        if name.startswith("OTEL_EXPORTER_OTLP_") and name.endswith("_CLIENT_KEY"):
            environment.complain(name, problem, "")


def parse_target(text: str) -> Target:
    """The parts of an http or https URL, without its fragment."""
    scheme, separator, rest = text.partition("://")
    if not separator or scheme.lower() not in {"http", "https"}:
        raise ValueError("does not begin with http:// or https://")
    if not text.isascii() or not text.isprintable() or " " in text:
        raise ValueError("has characters that no URL has")
    rest, mark, query = rest.partition("#")[0].partition("?")
    authority, _, path = rest.partition("/")
    user, _, host = authority.rpartition("@")
    _check_host(host)
    return Target(f"{scheme.lower()}://{host}", f"/{path}", mark + query, user)


def _check_host(host: str) -> None:
    name, colon, port = host.rpartition(":")
    if not colon or port.endswith("]"):
        name, port = host, ""
    if not name.strip("[]") or ("[" in name) != (":" in name) or ("[" in name) != ("]" in name):
        raise ValueError("has no host that can be used")
    if colon and port:
        _check_port(port)


def _check_port(port: str) -> None:
    try:
        usable = size(port) <= LARGEST_PORT
    except ValueError:
        usable = False
    if not usable:
        raise ValueError(f"has a port that is not from 1 to {LARGEST_PORT}")


def _read_headers(environment: Environment, names: tuple[str, str]) -> Headers:
    name = next((name for name in names if name in environment.given), "")
    headers: dict[str, tuple[str, str]] = {}
    first = ""
    for place, pair in enumerate(environment.given.get(name, "").split(","), 1):
        problem = pair.strip() and _add_header(headers, pair)
        if problem:
            first = first or f"pair {place} {problem}"
    if first:
        environment.complain(name, ValueError(first), REST)
    return tuple(headers.values())


def _add_header(headers: dict[str, tuple[str, str]], pair: str) -> str:
    """Add one k=v of the W3C baggage format; what is wrong with it, or ""."""
    from otel_run import percent
    from otel_run.signals.baggage import TOKEN

    key, equals, value = pair.partition("=")
    if not equals:
        return "is not key=value"
    key, value = percent.decode(key.strip()), percent.decode(value.strip())
    if not key or key.strip(TOKEN):
        return "has a key that no header can have"
    # http.client sends Latin-1.
    if not value.isprintable() or value.encode("latin-1", "replace").decode("latin-1") != value:
        return "has a value that no header can have"
    headers[key.lower()] = (key, value)
    return ""


def _authorized(headers: Headers, user: str) -> Headers:
    """`headers` with the URL's name and password, unless they say who it is themselves."""
    if not user or any(key.lower() == "authorization" for key, _ in headers):
        return headers
    from binascii import b2a_base64

    from otel_run import percent

    name, _, password = user.partition(":")
    pair = f"{percent.decode(name)}:{percent.decode(password)}"
    return (
        *headers,
        ("authorization", f"Basic {b2a_base64(pair.encode(), newline=False).decode()}"),
    )
