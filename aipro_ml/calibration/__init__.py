"""Calibrators, the rule that chooses one, reliability figures and the market blend."""
