"""Commands that run processes or describe the product."""
