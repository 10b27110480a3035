"""What was found of one feature, written into its record."""
