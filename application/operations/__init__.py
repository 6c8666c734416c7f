"""What operators do with the whole installation: verify, rehydrate, upgrade, replay policies."""
