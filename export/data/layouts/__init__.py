"""Layouts of data sets, one module for each family; `export.data.layouts.known` lists them in order."""
