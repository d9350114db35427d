"""The offline designer: classic genetic programming over units, with no LLM."""
