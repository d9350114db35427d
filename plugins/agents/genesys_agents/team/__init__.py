"""The team of language-model agents: proposer, reviewer, planner, coder, observer (sec. 4.2)."""
