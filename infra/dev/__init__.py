"""Tools on a developer's machine: development server and cost tables."""
