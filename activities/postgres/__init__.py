"""Access to PostgreSQL: the pool, the named statements, and rows as values."""
