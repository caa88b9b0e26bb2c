"""Bugs to plant in a copy of the tree, and the tests that must turn red for each."""
