"""The data dictionary: one file, one table."""
