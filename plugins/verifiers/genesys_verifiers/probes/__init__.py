"""A scale of probes: what guests train on instead of text, and how the trained model is scored."""
