"""The ledger of obligations: who owes what by when, the ladder it climbs, and the notices about it."""
