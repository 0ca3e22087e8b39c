"""What watches runs and never changes one: Sentry and the log."""
