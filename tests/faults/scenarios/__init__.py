"""The scenarios, one module for each group of faults."""
