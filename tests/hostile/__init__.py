"""Malformed and adversarial input: files, requests, URLs, and the fuzzer."""
