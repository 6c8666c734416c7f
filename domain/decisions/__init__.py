"""What each command leads to: the rules, by area."""
