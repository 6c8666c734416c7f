"""What Sojourn runs on: the embedded stack for local use and tests, and the migrations."""
