"""AI PRO SPORTS: the machine-learning training and prediction platform."""

__version__ = "0.1.0"
