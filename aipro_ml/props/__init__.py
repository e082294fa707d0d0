"""Player props: what a player will do, the chance of over and under at a line, and what the market says."""
