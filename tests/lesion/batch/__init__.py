"""Batch on one machine and on Lambda."""
