"""Passages of text that are found by their words, by their meaning, or by both."""
