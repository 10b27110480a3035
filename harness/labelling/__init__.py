"""Label only the disagreements, blind.

With a scorer of closed answers a case that both models answer identically contributes exactly 0 to
the difference, whatever its true label is. So a person sees only the cases that differ, two answers
side by side in an order that a digest shuffles, and nothing that tells whose they are: a
`Question` does not hold it, and only the recorder, which nobody sees, can look it up.
"""
