"""How the tiers of a run are driven."""
