"""`python -m optsplit.cli`: the command line without its script."""

from optsplit.cli import main

main(prog_name="optsplit")
