"""SQL: each repository loads or saves frames and values on a connection it is given, and never commits."""
