"""Readers of checkpoints, hostile pickles included."""
