"""Check structured facts against rules kept as data, with citations."""
