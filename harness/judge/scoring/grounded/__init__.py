"""The scorer `groundedness`: what of an answer stands in the case's context, without a model."""
