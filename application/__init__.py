"""Use cases that every front door calls; each takes a principal and decides what they may do."""
