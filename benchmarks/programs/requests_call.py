"""Gets the given URL N times over one kept connection."""

from __future__ import annotations

import sys

import requests

count, url = int(sys.argv[1]), sys.argv[2]
with requests.Session() as session:
    for _ in range(count):
        session.get(url).raise_for_status()
