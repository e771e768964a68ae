"""Commands of `python -m export`, on tiny networks and a handful of images."""
