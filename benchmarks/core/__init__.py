"""A part of the English consultant policy that other rule engines can be given too: 22 rules, what they need.

The columns, measures and conditions are written for each engine from the policy's own trees, so all do the
same; unknown facts are left unknown, in the way of each language. `work.py` says which rules these are.
"""
