"""Fits a design to the size of a scale."""
