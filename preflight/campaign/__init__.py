"""The pack `campaign`, which `PREFLIGHT_PACKS` switches on: what streamers play together, as tables and checks."""
