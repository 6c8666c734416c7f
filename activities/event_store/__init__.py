"""The append-only event store, its read models, and the outbox of notices."""
