"""The rows of the execution check, in the trusted half."""
