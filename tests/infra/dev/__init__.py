"""Development server and cost tables."""
