"""A source tree to the model ids that it uses: where, under which key, and in what kind of file."""
