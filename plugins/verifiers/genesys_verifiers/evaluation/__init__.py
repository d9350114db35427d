"""Puts tasks to a trained model, and finds out whether to believe the answers."""
