"""Grading, performance, plots and reports."""
