"""Real numbers: what markets, Elo and market-free models score on real archives (docs/numbers.md)."""
