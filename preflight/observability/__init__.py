"""What watches runs and never changes one: Sentry, Prometheus and the log."""
