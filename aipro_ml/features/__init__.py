"""Point-in-time features: a view is a function of what was known at the decision time."""
