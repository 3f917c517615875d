"""Expressions: parsed, checked against the facts, compiled; three-valued everywhere."""
