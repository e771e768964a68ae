"""Tables, splits, augmentation and corruptions."""
