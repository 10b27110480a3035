"""One attempt -> USD: dated rates, and what a call may cost at most."""
