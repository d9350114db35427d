"""Verification on text that every machine has: corpus, tuner, trainer, monitors, evaluator."""
