"""`python -m livestream`."""

from livestream.cli import main

main()
