"""The sequential test: its design, boundaries, levels and ladder, and what it can decide."""
