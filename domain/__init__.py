"""What an agreement is: pure rules. No I/O, no clock, no randomness, no Temporal."""
