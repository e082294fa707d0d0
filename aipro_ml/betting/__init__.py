"""Pure betting mathematics: odds, margin, edge, stake, settlement, closing line value."""
