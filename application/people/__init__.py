"""Use cases about people: writing the directory, and what their moves mean for their agreements."""
