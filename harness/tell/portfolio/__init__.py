"""All records of a cycle: the index, its views, the CSV."""
