"""Recorded streams under another policy: what would have been flagged, and when."""
