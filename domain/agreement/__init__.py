"""The state of one agreement: its commands, its events, and how events change it."""
