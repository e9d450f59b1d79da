from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from otel_run.command_line import is_python, parse
from otel_run.service_name import infer

if TYPE_CHECKING:
    from bare_python import BarePython

OPTIONS = ["-B", "-sE", "-Werror", "-W", "-X", "-Xdev", "dev", "-c", "-cpass", "-m", "-mpip", "-"]
WORDS = [
    *OPTIONS,
    "--",
    "--check-hash-based-pycs",
    "always",
    "app.py",
    "shop",
    "-IBc",
    "-Wcm",
    "x:y",
]


@pytest.mark.parametrize(
    "command",
    ["python", "python3", "/usr/bin/python3.12", "python3.13t", "python3.12d", "pypy3", "pypy3.10"],
)
def test_a_python_is_known_by_its_name(command: str) -> None:
    assert is_python(command)


@pytest.mark.parametrize("command", ["", "gunicorn", "python-config", "pythonx", "ipython", "py"])
def test_other_commands_are_no_pythons(command: str) -> None:
    assert not is_python(command)


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("app.py a -m b", ("", "", "app.py", ["a", "-m", "b"])),
        ("-m pkg.module a", ("m", "pkg.module", "", ["a"])),
        ("-mpkg a", ("m", "pkg", "", ["a"])),
        ("-Bm pkg a", ("Bm", "pkg", "", ["a"])),
        ("-c code -m pkg", ("c", "", "", ["-m", "pkg"])),
        ("-ccode a", ("c", "", "", ["a"])),
        ("-IBc code", ("IBc", "", "", [])),
        ("-sE app.py", ("sE", "", "app.py", [])),
        ("-W error app.py", ("W", "", "app.py", [])),
        ("-Werror app.py", ("W", "", "app.py", [])),
        ("-BWerror::m app.py", ("BW", "", "app.py", [])),
        ("-X dev -X importtime app.py", ("XX", "", "app.py", [])),
        ("--check-hash-based-pycs always app.py", ("", "", "app.py", [])),
        ("-- app.py", ("", "", "app.py", [])),
        ("- a", ("", "", "", [])),
        ("", ("", "", "", [])),
        ("-m", ("m", "", "", [])),
        ("-W", ("W", "", "", [])),
    ],
)
def test_the_target_follows_the_options(
    words: str, expected: tuple[str, str, str, list[str]]
) -> None:
    line = parse(["python", *words.split()])

    assert (line.letters, line.module, line.script, line.arguments) == expected


def test_a_console_script_is_its_own_target() -> None:
    line = parse(["/venv/bin/flask", "run", "-m", "x"])

    assert (line.letters, line.module, line.script) == ("", "", "/venv/bin/flask")
    assert line.arguments == ["run", "-m", "x"]


def test_an_embedded_python_has_no_command_line() -> None:
    assert infer([]) == ""


@given(st.lists(st.sampled_from(WORDS) | st.text()))
@example(["-"])
def test_no_command_line_is_too_odd(words: list[str]) -> None:
    line = parse(["python", *words])

    assert not (line.module and line.script)
    assert isinstance(infer(["python", *words]), str)
    assert isinstance(infer(words), str)


@pytest.mark.parametrize(
    "options", ["-B", "-sB", "-Wignore", "-W ignore", "-BWignore", "-X utf8", "-u -B", "--"]
)
def test_it_is_read_as_python_reads_it(python: BarePython, options: str) -> None:
    (python.folder / "app.py").write_text(
        "import json, sys; print(json.dumps([sys.orig_argv, sys.argv]))"
    )
    result = python.run(*options.split(), "app.py", "-m", "x")
    orig_argv, argv = json.loads(result.stdout)
    line = parse(orig_argv)

    assert [line.script, *line.arguments] == argv


@pytest.mark.parametrize(
    ("words", "name"),
    [
        ("python app.py", "app"),
        ("python /srv/shop/main.py serve", "main"),
        ("python shop.pyz", "shop"),
        ("python -m shop", "shop"),
        ("python -m shop.web", "shop.web"),
        ("python -m shop.__main__", "shop"),
        ("python /srv/shop/__main__.py", "shop"),
        ("python /srv/shop", "shop"),
        ("python /srv/shop/", "shop"),
        ("python -c pass", ""),
        ("python -", ""),
        ("python", ""),
        ("/venv/bin/python /venv/bin/flask run", "flask"),
        ("/venv/bin/flask run", "flask"),
        ("/opt/my.tool", "my.tool"),
        ("python /venv/bin/gunicorn -b localhost:8000 shop.wsgi:app", "shop"),
        ("gunicorn shop.web:create_app()", "shop.web"),
        ("gunicorn -b unix:/run/shop.sock -w 4 app:app", "app"),
        ("python -m uvicorn --host 0.0.0.0 shop.asgi:app", "shop"),
        ("gunicorn -c conf.py", "gunicorn"),
        ("flask --app shop run", "shop"),
        ("python -m flask --app shop.web:app run", "shop.web"),
        ("/venv/bin/flask --app=shop.wsgi run -p 5000", "shop"),
        ("flask run", "flask"),
        ("celery -A shop worker", "shop"),
        ("uvicorn wsgi:app", "wsgi"),
        ("python -m pdb -c continue /srv/shop.py serve", "shop"),
        ("python -m pdb -m shop.web serve", "shop.web"),
        ("python -m debugpy --listen 5678 --wait-for-client shop.py", "shop"),
        ("python -m cProfile -o shop.prof shop.py", "shop"),
        ("/venv/bin/coverage run -p -m shop", "shop"),
        ("coverage report", "coverage"),
        ("python -m pdb", "pdb"),
    ],
)
def test_a_service_is_named_after_what_runs(words: str, name: str) -> None:
    assert infer(words.split()) == name
