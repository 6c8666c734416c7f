"""Agreements as people read them: status, health, explanations."""
