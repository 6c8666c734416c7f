"""The log of people's data rights, and access to closed agreements."""
