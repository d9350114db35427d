"""Designs as the original system publishes them: a folder of JSON files for each.

``metadata.json`` says title and parents, ``proposal.json`` the idea and its review,
``implementation.json`` the tree with the code of its units, ``verifications/<scale>.json`` the
scores. Nothing of it is run.
"""
