"""When obligations fall due: opening them in their owners' calendars, leave included."""
