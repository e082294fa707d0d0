"""Importers: bytes in, canonical frames and findings out."""
