"""Checkers that decide whether a design is valid (sec. 3.2, table 1, app. B.1.2)."""
