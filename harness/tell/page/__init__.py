"""Page one of a document: the sentences of an owner's decision."""
