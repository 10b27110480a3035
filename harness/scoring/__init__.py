"""An answer becomes a score in [0, 1]; some answers also a normal form, so that equals can be told.

A scorer is found by the name that an eval set uses (`catalogue`). Its `normalise` gives the answer
that it saw in a reply, or None where it saw none (malformed: the reply counts, with score 0).
Scorers of *closed* answers judge by that normal form alone: two replies with one normal form have
one score, whatever the target is. Labelling only the disagreements rests on that.
"""
