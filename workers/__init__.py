"""The processes that host Sojourn: worker, command line, settings, wiring."""
