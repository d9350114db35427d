"""Plugins for Genesys."""
