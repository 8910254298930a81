"""``python -m servicecircle``: the command line."""

from servicecircle.cli import main

main()
