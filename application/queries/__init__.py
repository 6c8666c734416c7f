"""Reading how agreements stand, for whoever asks."""
