"""Model file, decisions and golden values."""
