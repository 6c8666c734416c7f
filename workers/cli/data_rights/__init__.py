"""Commands about personal data: rights, retention, keys."""
