"""What the fields of a request must be to one another: one small rule each, by kind."""
