"""Giving commands to agreements: one, many, or as a preview."""
