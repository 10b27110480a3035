"""An answer becomes a score in [0, 1]; some also a normal form, so that equals can be told."""
