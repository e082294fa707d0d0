"""Ratios of this package's hot paths to named limits and peers, each pair timed in one interleaved run."""
