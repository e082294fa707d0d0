"""The table of contents of the system: each job loads, computes and saves."""
