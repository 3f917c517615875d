"""`python -m jobplan` is the command line."""

from jobplan.cli import main

if __name__ == "__main__":
    main()
