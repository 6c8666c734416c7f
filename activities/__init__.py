"""What touches the world: the record in PostgreSQL, notices, calendars, the directory."""
