"""Access to Temporal: client, updates, starting workflows, versions."""
