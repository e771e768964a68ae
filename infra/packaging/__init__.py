"""Artefacts that a deployment ships: container image, site bundle, sample gallery, bills of materials."""
