"""Findings: what judgements come to for people, with severity, message, evidence and citation."""
