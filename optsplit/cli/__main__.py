"""`python -m optsplit.cli`: the command line without its script."""

from optsplit.cli import run

run()
