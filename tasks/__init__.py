"""The doors: what may be asked of PreFlight by message. Each task is one call into `preflight`."""
