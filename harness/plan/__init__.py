"""What to ask, what it costs and what it can decide, before a cent is spent.

`ladder` finds a feature's options, `asking` turns cases into trials, `planning` puts both together
into a `Plan`. Planning reads files and prices; it opens no connection.
"""
