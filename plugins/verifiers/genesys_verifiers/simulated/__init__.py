"""A verifier that trains nothing: its scores are drawn from what the published evaluations say."""
