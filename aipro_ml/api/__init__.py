"""The platform from Python: the same jobs as the command line, with frames for tables."""
