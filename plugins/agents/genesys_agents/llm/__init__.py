"""Calls of language models: which model, in what time, for what money, and kept on tape."""
