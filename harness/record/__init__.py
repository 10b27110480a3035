"""The artefact: versioned JSON of one feature's finding, evidence and decision."""
