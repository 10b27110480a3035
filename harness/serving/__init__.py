"""Models that we start, wait for, and always tear down.

A server is a child process behind an OpenAI-compatible API on 127.0.0.1. Between it and us stands
a guard (`guard.py`, standard library only): it ends the server's whole process group when we close
our end of its pipe, when we die by any signal, or when the time to live is over. Rejected: a
parent-death signal on the server alone, because it fires when the *thread* that started it ends,
and reaches no grandchildren.
"""
