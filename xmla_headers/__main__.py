"""Runs the command as `python -m xmla_headers`."""

from .cli import main

if __name__ == "__main__":
    main()
