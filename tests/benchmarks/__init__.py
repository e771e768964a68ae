"""Measurements that write docs/benchmarks, and tests of their reports."""
