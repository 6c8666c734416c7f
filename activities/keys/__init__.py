"""Keys: the ring of key-encryption keys, where it is loaded from, and the key of each person under it."""
