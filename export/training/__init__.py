"""The training loop: images and batches, the learning-rate schedule, figures of epochs, and the trainer that can resume."""
