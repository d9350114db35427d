"""Designers: agents that propose, review and write designs."""
