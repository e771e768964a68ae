"""Model card and README results."""
