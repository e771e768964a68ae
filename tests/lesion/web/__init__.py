"""Routes, uploads, errors and logs."""
