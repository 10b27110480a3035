"""Trials to outcomes: never paying twice, never above the cap, never in production's way.

The driver decides everything (which call goes next, what it may cost, whether to ask again) in
one thread; workers make one wire call each time they are told to. A call is written to the
journal before it is sent, and its end before anybody sees it.
"""
