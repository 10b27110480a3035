"""Capacity of one's own, paid by the hour whether it is asked or not: what of it was used."""
