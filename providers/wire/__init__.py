"""What every vendor's client shares over HTTP: one call, its time, its failure."""
