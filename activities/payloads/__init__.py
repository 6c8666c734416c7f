"""Encryption of everything that Temporal keeps for us: one codec for all who speak with it."""
