"""Data, loss, optimiser and the loops that train a model."""
