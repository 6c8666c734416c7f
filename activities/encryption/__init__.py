"""Encryption of what people write, at rest and in Temporal's payloads."""
