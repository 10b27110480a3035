"""Decision models in a plan: the question that a feature becomes, and how sure is sure enough."""
