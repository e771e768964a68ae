"""Tests of the infrastructure, one folder per sub-package."""
