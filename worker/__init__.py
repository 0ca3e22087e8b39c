"""The worker process: `celery -A worker worker`, `celery -A worker beat`."""
