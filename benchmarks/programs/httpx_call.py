"""Gets the given URL N times over one kept connection."""

from __future__ import annotations

import sys

import httpx

count, url = int(sys.argv[1]), sys.argv[2]
with httpx.Client() as client:
    for _ in range(count):
        client.get(url).raise_for_status()
