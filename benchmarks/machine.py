"""What the numbers were measured on."""

from __future__ import annotations

import os
import platform
from pathlib import Path


def described() -> str:
    """Name the CPU, its cores, the kernel and the Python in one line."""
    return (
        f"{cpu_model()}, {os.cpu_count()} cores, {platform.system()} {platform.release()}, "
        f"{platform.python_implementation()} {platform.python_version()}"
    )


def cpu_model() -> str:
    """Read what the CPU calls itself, on Linux; elsewhere its architecture."""
    information = Path("/proc/cpuinfo")
    lines = information.read_text().splitlines() if information.is_file() else []
    models = [line.split(": ", 1)[1] for line in lines if line.startswith("model name")]
    return models[0] if models else platform.machine()
