"""A module of checks that cannot be imported, named in PREFLIGHT_CHECKS beside one that can."""

raise ImportError("the ship has no harbour module")
