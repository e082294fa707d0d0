"""Tables, SQL, bulk copy and the embedded server; imported by jobs, cli and api only."""
