"""How an agreement runs through time: deterministic Temporal workflows, no I/O."""
