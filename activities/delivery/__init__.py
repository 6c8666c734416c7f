"""How a notice becomes a message: its words, the mail, the calendar entry, the other channels."""
