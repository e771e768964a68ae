"""Tests, benchmarks and their helpers; the folders mirror `lambda/lesion`, `export` and `infra`."""
