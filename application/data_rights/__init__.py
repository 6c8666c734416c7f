"""Erasure, expiry and export of personal data."""
