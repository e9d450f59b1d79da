"""Traces, metrics, and what they share: context, sampling, propagation, the resource."""

from __future__ import annotations
