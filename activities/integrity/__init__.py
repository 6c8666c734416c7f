"""Finding and mending what contradicts the event log."""
