"""What a user would pick instead, written as its own documentation says."""
