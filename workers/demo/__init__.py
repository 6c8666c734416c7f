"""A demonstration: three placements lived by a cast, months in seconds, on the real stack."""
