"""One attempt -> USD: dated rates, and what a call may cost at most.

Catalogue prices come from `genai-prices` as shipped (never refreshed over the network), behind
our own dated schema; a price of the workspace wins. Everything is USD and `Decimal`.
"""
