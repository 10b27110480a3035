"""Two arms on the same cases -> paired evidence. Pure."""
