"""The vocabulary and the value types that everything else is made of."""
