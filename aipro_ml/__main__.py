"""`python -m aipro_ml` is the `aipro` command."""

from aipro_ml.cli.app import main

main()
