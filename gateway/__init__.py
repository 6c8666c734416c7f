"""HTTP: what browsers and other programs ask of Sojourn."""
