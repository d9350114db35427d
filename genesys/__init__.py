"""Discovers language-model architectures; see the README."""
