"""Events on their way to and from the event store."""
