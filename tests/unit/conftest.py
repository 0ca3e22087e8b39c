"""Unit tests never judge seconds: a busy machine is no failure."""

from __future__ import annotations

from hypothesis import settings

settings.register_profile("preflight", deadline=None)
settings.load_profile("preflight")
