"""Tools that a feature declares, and the scorer of the calls that a model makes of them."""
