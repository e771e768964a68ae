"""The training loop: images in memory, the learning-rate schedule, and the trainer that can resume."""
