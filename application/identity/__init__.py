"""Who is asking, and how that was proved."""
