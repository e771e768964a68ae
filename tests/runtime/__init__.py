"""The function as Lambda runs it: the real runtime client, and the built image."""
