"""Evidence: what many runs say together. Records, statistics, summaries, pages."""
