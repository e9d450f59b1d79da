from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from otel_run_bootstrap import flags
from otel_run_bootstrap.help import help_text


@pytest.mark.parametrize(
    ("words", "variables"),
    [
        ("--service-name shop", {"OTEL_SERVICE_NAME": "shop"}),
        ("--service-name=shop", {"OTEL_SERVICE_NAME": "shop"}),
        ("--service-name=", {"OTEL_SERVICE_NAME": ""}),
        ("--endpoint http://c:4318?a=b", {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://c:4318?a=b"}),
        ("--endpoint=http://c?a=b", {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://c?a=b"}),
        ("--protocol http/protobuf", {"OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf"}),
        ("--headers a=b,c={}", {"OTEL_EXPORTER_OTLP_HEADERS": "a=b,c={}"}),
        ("--traces-exporter console", {"OTEL_TRACES_EXPORTER": "console"}),
        ("--metrics-exporter none", {"OTEL_METRICS_EXPORTER": "none"}),
        ("--logs-exporter otlp", {"OTEL_LOGS_EXPORTER": "otlp"}),
        ("--propagators none", {"OTEL_PROPAGATORS": "none"}),
        ("--resource-attributes a=b", {"OTEL_RESOURCE_ATTRIBUTES": "a=b"}),
        (
            "--sample 0.1",
            {
                "OTEL_TRACES_SAMPLER": "parentbased_traceidratio",
                "OTEL_TRACES_SAMPLER_ARG": "0.1",
            },
        ),
        ("--disable a,b", {"OTEL_PYTHON_DISABLED_INSTRUMENTATIONS": "a,b"}),
        ("-v", {"OTEL_RUN_VERBOSITY": "1"}),
        ("--verbose", {"OTEL_RUN_VERBOSITY": "1"}),
        ("-q", {"OTEL_RUN_VERBOSITY": "-1"}),
        ("--sample 0.1 --sample 0.2 -v -q", None),
    ],
)
def test_a_flag_sets_its_variables(words: str, variables: dict[str, str] | None) -> None:
    expected = variables or {
        "OTEL_TRACES_SAMPLER": "parentbased_traceidratio",
        "OTEL_TRACES_SAMPLER_ARG": "0.2",
        "OTEL_RUN_VERBOSITY": "-1",
    }
    command = ["python", "-v", "--service-name", "x"]

    assert flags.read([*words.split(), *command])[::2] == (expected, command)


def test_two_dashes_end_the_flags() -> None:
    assert flags.read(["-v", "--", "--", "-q"]) == (
        {"OTEL_RUN_VERBOSITY": "1"},
        ["-v", "--"],
        ["--", "-q"],
    )


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        ("--servicename x", "there is no flag --servicename, did you mean --service-name?"),
        ("--service_name=x y", "there is no flag --service_name, did you mean --service-name?"),
        ("--xyz", "there is no flag --xyz, see otel-run --help"),
        ("-x", "there is no flag -x, see otel-run --help"),
        ("--endpoint", "--endpoint needs a value: --endpoint URL"),
        ("-v=1 python", "-v takes no value"),
    ],
)
def test_a_wrong_flag_is_refused(words: str, complaint: str) -> None:
    with pytest.raises(flags.UsageError) as refused:
        flags.read(words.split())

    assert str(refused.value) == complaint


@given(st.lists(st.sampled_from([flag.name for flag in flags.FLAGS]) | st.text()))
def test_any_words_are_read_or_refused(words: list[str]) -> None:
    with suppress(flags.UsageError):
        _, _, command = flags.read(words)

        assert command == words[len(words) - len(command) :]


def test_the_help_fits_a_screen_and_names_every_flag() -> None:
    lines = help_text().splitlines()

    assert len(lines) <= 23
    assert max(map(len, lines)) <= 80
    assert help_text().isascii()
    assert [name for name in (flag.name for flag in flags.FLAGS) if name not in help_text()] == []
