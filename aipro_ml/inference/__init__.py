"""Predictions: side, edge, stake, tier, hash, ledger chain and explanation."""
