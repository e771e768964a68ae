"""Mocked responses and views of the page."""
