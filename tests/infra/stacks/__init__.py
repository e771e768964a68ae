"""Synthesised templates."""
