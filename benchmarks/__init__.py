"""Measure what judging one plan costs, step by step and against others on the same work.

`python -m benchmarks` prints the tables of README.md; nothing here is a test.
"""
