"""Reports of the larger benchmarks: tables, plots and raw values."""
