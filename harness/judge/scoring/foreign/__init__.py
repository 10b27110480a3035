"""What promptfoo holds of an answer where that needs a reader of its own: XML, HTML, tokens."""
