"""Bills as vendors, clouds and teams export them."""
