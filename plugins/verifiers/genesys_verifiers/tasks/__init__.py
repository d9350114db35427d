"""Two-way tasks a model of 0.1M parameters can begin to learn, and the YAML that lm-eval reads.

Both choices of an item have as many tokens and, where they are words, are about as frequent, so
that a model which has learnt nothing scores one half.
"""
