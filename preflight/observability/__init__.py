"""What watchers see: metrics for Prometheus."""
