"""How many requests a second one replica of a model serves within its SLOs, measured.

Requests arrive as they do in production: at random times, whether or not earlier ones are done
(open loop, Poisson). A closed loop, in which a fixed number of clients wait for their answers,
slows down with the server and hides the queue that users would stand in. Every time is counted
from the moment at which the request was *due*: a client that is late makes the server look worse,
never better.
"""
