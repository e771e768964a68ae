"""Tests of the function, one folder per sub-package."""
