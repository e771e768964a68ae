"""Tests of the code base as a whole: import layers, and that tests do not depend on their order."""
