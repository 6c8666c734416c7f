"""Configuration resolved into objects: keys, policy sets, token rules."""
