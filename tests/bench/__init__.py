"""
`make bench`: how fast the portal is, as ratios to bare twins measured in the same run.

Its method and its figures are described in docs/performance.md.
"""
