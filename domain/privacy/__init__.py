"""Who may read what, whose data it is, and how long it is kept."""
