"""An application with a Sentry of its own, with everything that Sentry's SDK switches on by itself."""

from __future__ import annotations

import os

import sentry_sdk


def begin() -> None:
    """Do what such applications do when they start; workers call it as PREFLIGHT_SETUP says."""
    sentry_sdk.init(dsn=os.environ["SHOP_SENTRY_DSN"], environment="shop")
