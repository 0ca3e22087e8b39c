"""The checks of the pack: one file each, discovered by name when `PREFLIGHT_PACKS` holds campaign."""

#: Known besides those that the checks name: what a game master launches.
EVENT_TYPES = ("poll_launch",)
