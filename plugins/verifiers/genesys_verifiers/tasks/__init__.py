"""What models are evaluated on: task sets, and tasks made of the corpus' held-out text.

The latter are two-way tasks that a model of 0.1M parameters can begin to learn. Both choices of an
item have as many tokens and, where they are words, are about as frequent, so that a model which has
learnt nothing scores one half.
"""
