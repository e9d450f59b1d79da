"""What must not leave in a query, or in the text of an exception."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from otel_run.engine.redaction import SECRET_KEYS, TEXT_LIMIT, redact_query, redact_text

MARKER = "hunter2"

# Texts that are made of what the patterns look for.
PIECES = st.sampled_from(
    [
        *(
            "://",
            "//",
            "@",
            ":",
            "/",
            "?",
            "#",
            "&",
            ";",
            "=",
            " ",
            "\n",
            "'",
            '"',
            "\\",
            "b'",
            "[]",
        ),
        *("token", "password=", "Authorization: ", "Cookie: ", "Bearer ", "sig=", "%74oken=", "%"),
        *("[SQL: ", "[parameters: ", "]\n", ")=(", ") already exists", "Duplicate entry '"),
        *("Failing row contains (", "nonnumeric port: ", "(Background on ", "INSERT ", "a", "é"),
    ]
)
TEXTS = st.lists(PIECES, max_size=40).map("".join)
# What may stand around a secret.
AROUND = st.text("ab ,;()[]{}<>\n'\"", max_size=9)


@given(st.text() | TEXTS)
def test_redacting_a_query_twice_is_redacting_it_once(query: str) -> None:
    once = redact_query(query)

    assert redact_query(once) == once


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", ""),
        ("a=1&b=&c", "a=1&b=&c"),
        ("token", "token"),
        ("token&sig=", "token&sig=REDACTED"),
        ("a=1&token=x&b=2", "a=1&token=REDACTED&b=2"),
        ("a=1;token=x;b=2", "a=1;token=REDACTED"),
        ("a=1;token=x&b=2", "a=1;token=REDACTED&b=2"),
        ("token=a=b", "token=REDACTED"),
        ("X-Amz-Signature=x&x-amz-date=y", "X-Amz-Signature=REDACTED&x-amz-date=y"),
        (
            "accessToken=x&access-token=x&access_token=x",
            "accessToken=REDACTED&access-token=REDACTED&access_token=REDACTED",
        ),
        ("key=AIzaSyD-1_x&key=a.txt", "key=REDACTED&key=a.txt"),
        ("subscription-key=x", "subscription-key=REDACTED"),
        ("to%6ben=x&%74oken=y", "to%6ben=REDACTED&%74oken=REDACTED"),
        ("user[password]=x&token[]=y", "user[password]=REDACTED&token[]=REDACTED"),
        ("tokens=1&tokenize=2&tok=3&compass=4", "tokens=1&tokenize=2&tok=3&compass=4"),
        (
            "csrftoken=1&oauth_token=2&X-Api-Key=3&aws_secret_access_key=4&pass=5",
            "csrftoken=*&oauth_token=*&X-Api-Key=*&aws_secret_access_key=*&pass=*".replace(
                "*", "REDACTED"
            ),
        ),
        ("next=%2Fa%3Fb%3D1%26token%3Dx&c=1", "next=REDACTED&c=1"),
        ("next=%2Fa%3Fb%3D1&c=%3D", "next=%2Fa%3Fb%3D1&c=%3D"),
        (
            "AWSAccessKeyId=x&Signature=y&sig=z",
            "AWSAccessKeyId=REDACTED&Signature=REDACTED&sig=REDACTED",
        ),
    ],
)
def test_only_the_values_of_secret_keys_are_redacted(query: str, expected: str) -> None:
    assert redact_query(query) == expected


@given(st.text() | TEXTS, st.lists(st.text(max_size=9), max_size=3))
def test_any_text_is_taken(text: str, values: list[str]) -> None:
    redact_text(text, values)


@given(st.text("abc \n", max_size=50), st.lists(st.text("xyz01", min_size=1), min_size=1))
def test_no_value_of_the_call_survives(text: str, values: list[str]) -> None:
    redacted = redact_text(text.join(["", *values, ""]), values)

    assert not any(value in redacted for value in values)


URLS = [
    f"http://user:{MARKER}@h/",
    f"http://{MARKER}@h/",
    f"//{MARKER}:x@h",
    f"http://user:a/{MARKER}@h/",
    f"http://user:{MARKER}#{MARKER}@h/",
    f"http://user:x@{MARKER}@h/",
    f"postgresql+psycopg2://user:{MARKER}@h:5432/db",
]


@given(
    AROUND,
    st.sampled_from(URLS)
    | st.sampled_from(SECRET_KEYS).map(lambda key: f"/path?a=1&{key}={MARKER},{MARKER}")
    | st.sampled_from(SECRET_KEYS).map(lambda key: f"?{key.upper().replace('_', '')}={MARKER}"),
    AROUND,
)
@example("", f"/?%74oken={MARKER}", "")
def test_no_secret_of_a_url_survives(before: str, url: str, after: str) -> None:
    assert MARKER not in redact_text(f"{before} {url} {after}")


# As SQLAlchemy puts it.
STATEMENT = """(E) x
[SQL: INSERT INTO users VALUES ({})]
[parameters: {}]
(Background on this error at: https://x)"""


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("plain text (a, b): c", "plain text (a, b): c"),
        ("http://h:80/a@b http://[::1]:80/x@y", "http://h:80/a@b http://[::1]:80/x@y"),
        (f"Authorization: Bearer {MARKER}\nnext", "Authorization: REDACTED\nnext"),
        (f"{{'Authorization': 'Basic {MARKER}', 'a': 1}}", "{'Authorization': REDACTED 'a': 1}"),
        (f"Cookie: id={MARKER}; b={MARKER}", "Cookie: REDACTED"),
        ("GET /v1?q=a&key=AIzaSyD-1_xyzxyz failed", "GET /v1?q=a&key=REDACTED failed"),
        (f"sent Bearer {MARKER}.x-y_z= to h", "sent Bearer REDACTED to h"),
        (f'{{"password": "{MARKER} x \\" {MARKER}", "a": 1}}', '{"password": REDACTED, "a": 1}'),
        (f"password = b'{MARKER} {MARKER}'", "password = REDACTED"),
        (f"nonnumeric port: '{MARKER}@h'", "nonnumeric port: ?"),
        (
            f"Key (email)=({MARKER}) already exists.",
            "Key (email)=(?) already exists.",
        ),
        (f"Failing row contains (1, ({MARKER}), 'x').", "Failing row contains ?."),
        (
            f"Duplicate entry 'it's {MARKER}' for key 'users.email'",
            "Duplicate entry ? for key 'users.email'",
        ),
        (
            STATEMENT.format(f"'{MARKER}]\n', ?", f"('a]', '{MARKER}')"),
            STATEMENT.format("?, ?", "?"),
        ),
        (
            f"[SQL: SELECT '{MARKER}']\n(Background on this error at: https://x)",
            "[SQL: SELECT ?]\n(Background on this error at: https://x)",
        ),
        (f"[SQL: SELECT '{MARKER}']", "[SQL: SELECT ?]"),
        (f"DB_PASSWORD={MARKER} MYSQL_PWD: '{MARKER}'", "DB_PASSWORD=REDACTED MYSQL_PWD: REDACTED"),
        (
            f"['x', '--api-key', '{MARKER}'] --token {MARKER}",
            "['x', '--api-key', REDACTED] --token REDACTED",
        ),
        (f"eyJhbGciOiJI.eyJzdWIiOiIx.{MARKER}-_", "REDACTED"),
        (
            f"id_token%3D{MARKER} user[password]={MARKER}",
            "id_token%3DREDACTED user[password]=REDACTED",
        ),
        ("the password is wrong, a token expired", "the password is wrong, a token expired"),
        ("3 passed, tokens: 5, compass=1, KeyError: 'token'",) * 2,
    ],
)
def test_what_is_no_secret_stays(text: str, expected: str) -> None:
    assert redact_text(text) == expected


@given(
    st.integers(TEXT_LIMIT - 200, TEXT_LIMIT + 50),
    st.sampled_from(
        [
            f"http://user:{MARKER}{MARKER}@h/",
            f"?token={MARKER}{MARKER}",
            f'{{"password": "{MARKER} {MARKER} {MARKER}"}}',
            f"Cookie: {MARKER} {MARKER} {MARKER}",
            f"[parameters: ('{MARKER}]', '{MARKER} {MARKER}')]",
            f"[SQL: SELECT '{MARKER} {MARKER} {MARKER}']",
            f"Key (a)=({MARKER} {MARKER}) already exists",
            f"Failing row contains ({MARKER} {MARKER}).",
            f"Duplicate entry '{MARKER} {MARKER}' for key 'k'",
            f"one {MARKER} {MARKER} value",
        ]
    ),
)
def test_no_secret_survives_where_a_long_text_is_cut(position: int, secret: str) -> None:
    text = f"{'ab ' * (position // 3)}{secret}{' cd' * 100}"
    redacted = redact_text(text, [f"{MARKER} {MARKER} value"])

    assert "hunter" not in redacted
    assert len(redacted) <= TEXT_LIMIT + 100


@pytest.mark.parametrize(
    "piece",
    [
        "//",
        "//a:",
        "//a:b",
        "token=",
        "token='",
        'password="\\',
        "[SQL: ",
        "[parameters: ",
        "%a",
        "a",
        ")=(",
        "Duplicate entry '",
        "Failing row contains (",
        "Cookie: ",
        "auth ",
        "--token",
        "--a",
        "a-",
        "_",
        "eyJ",
        "eyJa.",
        "Bearer ",
        " ",
        "@",
    ],
)
def test_a_text_of_megabytes_takes_no_longer_than_its_beginning(piece: str) -> None:
    """Were it quadratic, this would not end."""
    assert len(redact_text(piece * 1_000_000)) <= 2 * TEXT_LIMIT
