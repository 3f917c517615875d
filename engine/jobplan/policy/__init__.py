"""Policies: rule files read strictly, resolved, and taken as they stand on one day."""
