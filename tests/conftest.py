"""What holds for all tests."""

from __future__ import annotations

import signal


def pytest_configure() -> None:
    """Let Ctrl-C be heard: a shell that starts the tests in the background has it ignored, here and in children."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
