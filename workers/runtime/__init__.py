"""The worker process and what it serves beside agreements."""
