"""Selectors: which designs to breed from, and which to verify next."""
