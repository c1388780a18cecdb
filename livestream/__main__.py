"""`python -m livestream`."""

import signal

signal.signal(signal.SIGINT, signal.SIG_DFL)  # Ctrl-C during the imports: an end without a traceback

from livestream.cli import main  # noqa: E402 - after the line above

main()
