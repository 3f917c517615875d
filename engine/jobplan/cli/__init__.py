"""The command line: reads arguments, calls the library, renders, exits."""

from jobplan.cli.main import main

__all__ = ["main"]
