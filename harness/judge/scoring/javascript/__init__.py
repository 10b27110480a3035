"""JavaScript in assertions: expressions and patterns, read with their own meaning or refused."""
