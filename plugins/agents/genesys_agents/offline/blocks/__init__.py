"""The typed library of causal building blocks."""
