"""Commands about agreements and the people in them."""
