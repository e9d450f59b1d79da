"""Imports three libraries and does nothing with them."""

from __future__ import annotations

import flask  # noqa: F401
import requests  # noqa: F401
import sqlalchemy  # noqa: F401
