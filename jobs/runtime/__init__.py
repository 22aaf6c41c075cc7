"""What a main needs and a transform must not: sessions, configuration, tables, tracking, the command line."""
