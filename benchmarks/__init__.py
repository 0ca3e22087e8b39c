"""Measures PreFlight against the lightest native Celery chords and against Redis itself: `python -m benchmarks`."""
