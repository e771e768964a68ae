"""Helpers that tests of several folders share; imports no test."""
