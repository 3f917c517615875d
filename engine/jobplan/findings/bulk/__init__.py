"""Findings of many plans at once, written as SQL: text for text what `findings` gives for one plan."""
