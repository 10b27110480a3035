"""Money over all features: what is spent and saved, what is to be done, what changed."""
