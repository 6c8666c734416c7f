"""Which notices follow from events, and when each may be sent."""
