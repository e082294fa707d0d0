"""The `aipro` command: parse, open a session, call one job, print."""
