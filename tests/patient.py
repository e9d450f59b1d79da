"""A Python that doctor examines."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import wrapt

from bare_python import BarePython

if TYPE_CHECKING:
    from collections.abc import Mapping


class Patient(BarePython):
    """A Python without packages, on whose path is wrapt and whatever a test makes up."""

    def __init__(self, folder: Path, interpreter: Path) -> None:
        super().__init__(folder, interpreter)
        self.packages = folder / "packages"
        self.packages.mkdir()
        shutil.copytree(Path(wrapt.__file__).parent, self.packages / "wrapt")

    def add_distribution(self, name: str, version: str, **modules: str) -> None:
        """Install what is made up: metadata, and modules (`flask__app` is `flask.app`)."""
        metadata = self.packages / f"{name.replace('-', '_')}-{version}.dist-info" / "METADATA"
        metadata.parent.mkdir()
        metadata.write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
        for module, source in modules.items():
            file = self.packages.joinpath(*module.split("__")).with_suffix(".py")
            file.parent.mkdir(parents=True, exist_ok=True)
            (file.parent / "__init__.py").touch()
            file.write_text(source)

    def examine(
        self,
        *command: object,
        flags: tuple[str, ...] = (),
        env: Mapping[str, str] | None = None,
        path: tuple[object, ...] | None = None,
    ) -> dict[str, Any]:
        """Return doctor's document on a command, else on this Python."""
        result = self.otel_run(
            *(*flags, "doctor", "--json", "--", *(command or [self.executable, "app.py"])),
            path=(self.packages,) if path is None else path,
            env=env,
        )
        assert result.stderr == ""
        document: dict[str, Any] = json.loads(result.stdout)
        assert result.returncode == document["exit_code"]
        return document


def problems(document: dict[str, Any]) -> list[str]:
    """The findings as one line each, with their level before and the remedy behind."""
    return [
        f"{one['level']}: {one['thing']}: {one['value']} → {one['remedy']}"
        for one in document["findings"]
    ]


def row_of(document: dict[str, Any], library: str) -> dict[str, Any]:
    row: dict[str, Any]
    (row,) = (row for row in document["libraries"] if row["library"] == library)
    return row
