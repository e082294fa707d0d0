"""The places of the API, a file a noun."""
