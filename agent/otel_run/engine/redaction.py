"""What must not leave: credentials in URLs and in the texts of exceptions."""

from __future__ import annotations

from otel_run.percent import decode
from otel_run.signals.cache import Cache

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from re import Match, Pattern

REDACTED = "REDACTED"

# Keys whose values give access by being known, however they are spelled (accessToken,
# access-token): the seven of the semantic conventions (url.full, url.query), and more.
SECRET_KEYS = (
    "X-Amz-Signature",
    "X-Amz-Credential",
    "X-Amz-Security-Token",
    "AWSAccessKeyId",
    "Signature",
    "sig",
    "X-Goog-Signature",
    "GoogleAccessId",
    "SAMLResponse",
    "auth",
    "client_assertion",
    "jwt",
    "pass",
    "pwd",
)
# What such keys, and headers, end like: aws_secret_access_key, X-CSRFToken.
SECRET_ENDS = (
    *("access_key", "access_key_id", "account_key", "api_key", "auth_key", "authorization"),
    *("cookie", "credential", "credentials", "passphrase", "passwd", "password", "private_key"),
    *("secret", "secret_key", "session_id", "signature", "subscription_key", "token"),
)
# What a value begins with that gives access under whatever key: Google's API keys are in `key`.
KEY_START = "AIza"

# A text is cut here before it is looked through.
TEXT_LIMIT = 4096
# Where a password that should have been quoted is taken apart by whoever parses it.
MARKS = str.maketrans("/?#@", "::::")
# A longer key is looked at anew each time.
LONGEST_KEPT = 64
# Shorter secrets would be found everywhere.
SHORTEST_SECRET = 4


def _plain(key: str) -> str:
    return key.strip().lower().replace("-", "").replace("_", "")


PLAIN_KEYS = frozenset(map(_plain, SECRET_KEYS))
PLAIN_ENDS = tuple(map(_plain, SECRET_ENDS))


# Keys seen lately, and whether they are secret.
_known: Cache[str, bool] = Cache(512)


def redact_query(query: str) -> str:
    """Return the query with the value of every secret key replaced."""
    if "=" not in query:
        return query
    return "&".join(_redact_pair(pair) for pair in query.split("&"))


def _redact_pair(pair: str) -> str:
    """Redact from the first secret key on: to some servers `a;b=c` is two pairs, to others one."""
    parts = pair.split(";")
    for index, part in enumerate(parts):
        key, equals, value = part.partition("=")
        if equals and (
            _is_secret(key)
            or value.startswith(KEY_START)
            or ("%3" in value and _holds_secret(value))
        ):
            return ";".join((*parts[:index], f"{key}={REDACTED}"))
    return pair


def _holds_secret(value: str) -> bool:
    """Whether a value is a URL or a query, quoted, that has a secret: where to go on to."""
    query = _unquote(value).rpartition("?")[2]
    return redact_query(query) != query


def _is_secret(key: str) -> bool:
    known = _known.get(key)
    if known is None:
        known = _gives_access(key)
        if len(key) <= LONGEST_KEPT:
            _known.put(key, known)
    return known


def _gives_access(key: str) -> bool:
    if "%" in key or "+" in key:
        key = _unquote(key)
    if "[" in key:  # `user[password]`, `token[]`
        key = key.rstrip("[]").rpartition("[")[2]
    key = _plain(key)
    return key in PLAIN_KEYS or key.endswith(PLAIN_ENDS)


def _unquote(text: str) -> str:
    return decode(text.replace("+", " "))


def redact_authority(authority: str) -> str:
    """Return `user:password@host:port` with the user information replaced."""
    _, at, host = authority.rpartition("@")
    return f"{REDACTED}:{REDACTED}@{host}" if at else authority


def secrets_in(authority: str, tail: str) -> tuple[str, ...]:
    """Return what is secret in a URL's authority, and in its query or fragment; also decoded."""
    user = authority.rpartition("@")[0]
    found = {*user.split(":", 1), *user.translate(MARKS).split(":")}
    before, _, fragment = tail.partition("#")
    for query in (before.partition("?")[2], fragment, fragment.partition("?")[2]):
        for pair in query.split("&"):
            redacted = _redact_pair(pair)
            if redacted != pair:
                found.add(pair[len(redacted) - len(REDACTED) :])
    found.update([_unquote(secret) for secret in found])
    return tuple(secret for secret in found if len(secret) >= SHORTEST_SECRET)


_PATTERNS: list[tuple[Pattern[str], str]] = []

EQUALS = r"""['"\]]*\s*(?:[=:]|%3D)\s*"""
HEADERS = "authorization|cookie|set-cookie"
# A value: quoted, also where the closing quote is cut off, or up to the next blank or `&`.
VALUE = r"""(?:b?"(?:[^"\\]|\\.)*(?:"|\Z)|b?'(?:[^'\\]|\\.)*(?:'|\Z)|[^\s&]+)"""
# The same for those headers, whose values have blanks.
LINE = VALUE.replace(r"[^\s&]+", r"[^\r\n]+")

# What database drivers and SQLAlchemy put before values, in their messages.
KEY_ENDS = "already exists|is not present|is still referenced|conflicts with"
OPENERS = ("[parameters: ", ")=(", "Duplicate entry ", "Failing row contains ")


def _spellings(keys: tuple[str, ...]) -> str:
    return "|".join(key.replace("_", "[_-]?") for key in keys)


def _patterns() -> list[tuple[Pattern[str], str]]:
    """Compile once, at the first failure: `re` is not needed before."""
    if not _PATTERNS:
        import re

        # Those that are no ends are short: they have to be words.
        keys = rf"(?:(?<![^\W_])(?:{_spellings(SECRET_KEYS)})|{_spellings(SECRET_ENDS)})"
        hidden = f"{REDACTED}:{REDACTED}@"
        _PATTERNS.extend(
            (re.compile(pattern, re.DOTALL | re.IGNORECASE), replacement)
            for pattern, replacement in (
                (r"//[^/\s?#]*@", f"//{hidden}"),
                # A password with a slash, question mark or hash: what precedes it is no port.
                (r"//(?!\[)[^/\s?#@:]*:(?!\d*(?:[/?#\s]|\Z))\S{1,256}@", f"//{hidden}"),
                (r"(nonnumeric port: ).*", r"\1?"),  # http.client, of user information
                (rf"\b((?:{HEADERS}){EQUALS}){LINE}", rf"\1{REDACTED}"),
                (rf"({keys}{EQUALS}){VALUE}", rf"\1{REDACTED}"),
                # An argument of a command, in a line or in a list.
                (rf"(--[\w-]*{keys}(?:['\"]\s*,\s*|\s+)){VALUE}", rf"\1{REDACTED}"),
                (r"\b(bearer|basic)\s+[\w.~+/=-]{4,}", rf"\1 {REDACTED}"),
                (rf"\b{KEY_START}[\w-]{{8,}}", REDACTED),
                (r"\beyJ[\w-]+\.eyJ[\w-]+\.[\w-]*", REDACTED),  # a JSON Web Token
                (r"\[parameters: (?:.*(?=\n\(Background on )|.*)", "[parameters: ?]"),
                (rf"\)=\((?:.*(?=\) (?:{KEY_ENDS}))|.*)", ")=(?"),
                (r"(Failing row contains )(?:\(.*\)(?=\.(?:\s|\Z))|.*)", r"\1?"),
                (r"(Duplicate entry )(?:'.*'(?= for key )|.*)", r"\1?"),
            )
        )
    return _PATTERNS


def redact_text(text: str, values: Iterable[str] = ()) -> str:
    """Return the text without credentials, and without the given values of the failed call."""
    text = _cut(text, sorted(filter(None, values), key=len, reverse=True))
    for pattern, replacement in _patterns():
        text = pattern.sub(replacement, text)
    if "%" in text:
        text = _redact_quoted_keys(text)
    return _redact_statement(text)


def _cut(text: str, values: list[str]) -> str:
    """Replace the values and keep the beginning, so that no secret is cut in two."""
    longest = len(values[0]) if values else 0
    is_long = len(text) > TEXT_LIMIT
    if is_long:
        text = text[: TEXT_LIMIT + longest]
    for value in values:
        text = text.replace(value, "?")
    if not is_long:
        return text
    text = text[: len(text) - longest]
    for opener in OPENERS:  # what closes it may be gone
        text = text.partition(opener)[0]
    return text[: len(text) - len(_last_word(text))]


def _last_word(text: str) -> str:
    words = text.split()
    return words[-1] if words and text.endswith(words[-1]) else ""


def _redact_quoted_keys(text: str) -> str:
    """Redact `to%6Ben=…`."""
    import re

    def redact(pair: Match[str]) -> str:
        return _redact_pair(pair[0])

    return re.sub(r"(?<![\w%+-])[\w%+-]+=[^\s&]+", redact, text)


def _redact_statement(text: str) -> str:
    """Describe the statement that SQLAlchemy quotes as `[SQL: …]`."""
    before, start, rest = text.partition("[SQL: ")
    if not start:
        return text
    from otel_run.engine.sql import describe

    statement, after = rest.rstrip("]"), ""
    for end in ("]\n[parameters: ?]", "]\n(Background on "):
        head, found, tail = rest.rpartition(end)
        if found:
            statement, after = head, f"{found[1:]}{tail}"
            break
    return f"{before}[SQL: {describe(statement, parameterised=False).text}]{after}"
