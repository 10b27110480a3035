"""Usage, traffic and GPUs -> USD a month. Pure: nothing here reads a file, a clock or the network.

Money is `Decimal` and USD only. Token means may come from floats of a YAML file; they are read as
they are written (`harness.costing.money.exact`), never as binary fractions. Random draws are made
over integers: a float never touches money.

What a request costs in production is worked out from production's own figures (volume, token mix,
cached share, retry rate); the evaluation contributes only what it alone can know: how many tokens
an option needs where the incumbent needs so many, and how those tokens spread over requests.
"""
