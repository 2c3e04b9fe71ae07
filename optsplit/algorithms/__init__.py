"""Exact combinatorial methods: no solver's tolerance stands between their answer and the proof."""
