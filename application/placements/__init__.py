"""Placing requests: checking a batch and starting its agreements."""
