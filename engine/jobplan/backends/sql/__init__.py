"""An edition as SQL: every plan of a chunk is worked out and judged by a few statements."""
