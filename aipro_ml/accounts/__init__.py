"""Who may do what: passwords, second factors, tokens, keys, roles; no database, no clock."""
