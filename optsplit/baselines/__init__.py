"""The published heuristics, as printed, and trivial policies. They claim no bound."""
