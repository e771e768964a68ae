"""Image data sets: tables of labelled images, splits, pixels, augmentation and corruptions."""
