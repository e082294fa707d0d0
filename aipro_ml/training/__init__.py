"""Framework adapters, walk-forward splits, baselines and the tracking of runs."""
