"""The virtual environments of the systems, under `.benchmarks/`, all with the same libraries."""

from __future__ import annotations

import io
import shutil
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

ROOT = Path(__file__).parent.parent
FOLDER = ROOT / ".benchmarks"
REQUIREMENTS = Path(__file__).parent / "requirements"


def make(name: str) -> Path:
    """Make the environment of that name unless it is there as required; its `bin` folder."""
    folder = FOLDER / name
    wanted = required(name)
    stamp = folder / "requirements.txt"
    if not stamp.is_file() or stamp.read_text() != wanted:
        create(folder)
        install(folder, wanted.splitlines())
        stamp.write_text(wanted)
    return folder / "bin"


def required(name: str) -> str:
    """List what is installed, after a line that says for which Python."""
    files = [REQUIREMENTS / "libraries.txt", REQUIREMENTS / f"{name}.txt"]
    return f"# Python {sys.version}\n" + "".join(
        file.read_text() for file in files if file.is_file()
    )


def create(folder: Path) -> None:
    """Make an empty environment, in the place of what is there."""
    FOLDER.mkdir(exist_ok=True)
    (FOLDER / ".gitignore").write_text("*\n")
    shutil.rmtree(folder, ignore_errors=True)
    if uv := shutil.which("uv"):
        run(uv, "venv", "--quiet", "--python", sys.executable, str(folder))
    else:
        run(sys.executable, "-m", "venv", str(folder))


def install(folder: Path, requirements: list[str]) -> None:
    """Install the requirements, compiled: the first run should cost what the next one does."""
    wanted = [line for line in requirements if not line.startswith("#")]
    run(*installer(folder), *wanted)


def install_project(folder: Path, tree: Path = ROOT) -> None:
    """Install this project as the tree has it, as its users have it: not editable."""
    again = (
        ("--reinstall-package", "otel-run", "--refresh-package", "otel-run")
        if shutil.which("uv")
        else ("--force-reinstall",)
    )
    run(*installer(folder), *again, str(tree))


def find_revision(name: str) -> str:
    """Return the short hash of what git knows by that name; LookupError for nothing."""
    command = ("git", "-C", str(ROOT), "rev-parse", "--short", "--verify", f"{name}^{{commit}}")
    found = subprocess.run(command, capture_output=True, text=True, check=False)
    if found.returncode:
        raise LookupError(found.stderr.strip())
    return found.stdout.strip()


def install_revision(folder: Path, revision: str) -> None:
    """Install this project as it was then."""
    command = ("git", "-C", str(ROOT), "archive", revision)
    packed = io.BytesIO(subprocess.run(command, stdout=subprocess.PIPE, check=True).stdout)
    with tempfile.TemporaryDirectory() as tree, tarfile.open(fileobj=packed) as archive:
        archive.extractall(tree, filter="data")
        install_project(folder, Path(tree))


def installer(folder: Path) -> tuple[str, ...]:
    """Say which command installs packages there, and compiles them."""
    python = str(folder / "bin" / "python")
    if uv := shutil.which("uv"):
        return (uv, "pip", "install", "--quiet", "--compile-bytecode", "--python", python)
    return (python, "-m", "pip", "install", "--quiet")


def run(*command: str) -> None:
    """Run the command; CalledProcessError when it fails."""
    subprocess.run(command, check=True)
