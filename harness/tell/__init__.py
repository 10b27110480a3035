"""Records to what people and finance's tools read."""
