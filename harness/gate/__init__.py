"""The gate: a change against what was decided. Pure: nothing is asked, read or run here."""
