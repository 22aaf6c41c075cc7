"""Numeric and text cores as pure functions, each with its thin Spark wrapper."""
