"""Networks and losses in PyTorch: what is trained, read from checkpoints, and exported."""
