"""From the bytes of an image file to upright RGB pixels: preflight checks, decoders, memory limit."""
