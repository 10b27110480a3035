"""A program's call to a model of another vendor: read in one wire, written in another, and back."""
