"""For policy authors: cases beside the rules, and what else helps to write them."""
