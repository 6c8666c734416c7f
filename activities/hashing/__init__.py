"""Hash chains over what is stored, as SQL and Python compute them alike."""
