"""The loop: coordinator, designers, verifiers and the ladder's budgets."""
