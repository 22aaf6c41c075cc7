"""Spark jobs: one file, one job, one output table."""
