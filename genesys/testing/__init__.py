"""Doubles of what Genesys talks to, for tests of plugins."""
