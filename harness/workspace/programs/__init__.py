"""Features that are programs: their folders, and what is wrong with their entries."""
