"""Back ends: each runs the same compiled rules and gives the same verdicts."""
