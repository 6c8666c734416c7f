"""The operators' live board: what is stalled or overdue, in a terminal."""
