"""The people directory, and working time as it knows it."""
