"""The commands of `python -m export`: options and order of steps. Computations belong to the packages below."""
