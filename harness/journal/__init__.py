"""What was asked and answered: one SQLite file, readable without the engine."""
