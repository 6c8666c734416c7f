"""From a command to one append, and from a stream to a running agreement."""
