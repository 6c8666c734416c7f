"""The codec endpoint: what the Temporal UI asks to read encrypted payloads, and what it is told."""
