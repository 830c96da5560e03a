"""
How DingTalk talks, as plain Python: envelope crypto, signatures, event parsing, the error table.

Bytes, text and times go in; values or errors come out. Nothing here reads a clock, settings or a random
source, and nothing imports Django or an HTTP library, so all of it is tested without either.
"""
