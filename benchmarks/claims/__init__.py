"""The claims of the papers: one module for each paper, the registry of verdicts, and what they are checked on."""
