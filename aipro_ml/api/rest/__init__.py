"""The read API over HTTP: predictions, results, models, the ledger, and the caller's own bankroll and bets."""
