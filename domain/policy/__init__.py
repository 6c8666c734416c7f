"""Policy sets: allowances, silence limits and ladders as versioned data."""
