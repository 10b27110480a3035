"""The artefact: versioned JSON of a feature's finding, evidence and decision; lock and states."""
