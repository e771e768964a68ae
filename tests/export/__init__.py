"""Tests of the export package, one folder per sub-package."""
