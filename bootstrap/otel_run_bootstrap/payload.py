"""`otel-run payload`: a folder that records any Python by PYTHONPATH alone, and is only read."""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import tempfile

from otel_run_bootstrap.payload_files import MARK, VERSION, files

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

DESCRIPTION = """\
Writes a folder that needs no installation: mounted or copied anywhere, it records each Python from
3.10 on that has it on PYTHONPATH, whatever its C library and architecture. Nothing is written into
it afterwards. An older payload in the folder is replaced."""


class PayloadError(Exception):
    """Why a folder cannot become a payload, in one line."""


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="otel-run payload", description=DESCRIPTION)
    parser.add_argument("folder", metavar="DIR", help="is made; may be there, but empty")
    options = parser.parse_args(arguments)
    contents = files()
    try:
        folder = os.path.abspath(options.folder)
        check(folder)
        write(folder, contents)
    except PayloadError as error:
        return complain(str(error))
    except OSError as error:
        return complain(f"{options.folder}: {error.strerror}")
    version = contents[VERSION].decode().strip()
    sys.stdout.write(f"{version} is in {folder}, activate it by PYTHONPATH={folder}\n")
    return 0


def complain(reason: str) -> int:
    from otel_run.notice import say

    say(f"cannot write the payload: {reason}")
    return 1


def check(folder: str) -> None:
    """Raise PayloadError for a folder that holds something else than a payload."""
    if os.path.isdir(folder) and os.listdir(folder) and not is_payload(folder):
        raise PayloadError(f"{folder} is not empty, and no payload")


def is_payload(folder: str) -> bool:
    try:
        with open(os.path.join(folder, VERSION), "rb") as file:
            return file.read().startswith(MARK)
    except FileNotFoundError:
        return False


def write(folder: str, contents: Mapping[str, bytes]) -> None:
    """Write beside what may be there, then put in its place one after the other.

    Within the folder, for it may be a volume's root, beside which nothing can be written. What
    makes it work comes last: a Python that starts meanwhile finds all of it or nothing.
    """
    make_folder(folder)
    beside = tempfile.mkdtemp(prefix=".", dir=folder)
    try:
        new, old = os.path.join(beside, "new"), os.path.join(beside, "old")
        for path, content in contents.items():
            write_file(os.path.join(new, *path.split("/")), content)
        os.mkdir(old)
        for name in dict.fromkeys(path.split("/")[0] for path in contents):
            place = os.path.join(folder, name)
            if os.path.isdir(place):
                os.rename(place, os.path.join(old, name))
            os.replace(os.path.join(new, name), place)
    finally:
        shutil.rmtree(beside)


def write_file(path: str, content: bytes) -> None:
    make_folder(os.path.dirname(path))
    with open(path, "xb") as file:
        file.write(content)
    os.chmod(path, 0o644)


def make_folder(path: str) -> None:
    """Make a folder that all can read, whatever the umask, and those above it."""
    if not os.path.isdir(path):
        make_folder(os.path.dirname(path))
        os.mkdir(path)
        os.chmod(path, 0o755)  # noqa: S103 (programs of any user read it)
