"""Decoding, formats and limits."""
