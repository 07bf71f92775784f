"""``python -m openclaw``: the gateway in the foreground; a signal drains it, then it exits 0.

With ``--unseal`` it does what only one process at a time may do to a journal, and ends.
"""

import os
import signal
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

from twisted.internet.error import ReactorNotRunning
from twisted.logger import Logger, globalLogBeginner
from twisted.python import usage

from openclaw.errors import StartError, StoreError
from openclaw.tap import Options, make_gateway, settings_options

_log = Logger()


class ProcessOptions(Options):
    """What a process of our own understands besides what ``twistd openclaw`` does."""

    optFlags = (["unseal", None, "Write a sealed journal in plain text again, then end."],)


def main(arguments: list[str]) -> int:
    """Run until a signal comes; return the exit status."""
    from twisted.internet import reactor

    options = ProcessOptions()
    try:
        options.parseOptions(arguments)
        if options["unseal"]:
            return _unseal(options)
        gateway = make_gateway(options, reactor, greet=True)
    except usage.UsageError as error:
        sys.stderr.write(f"openclaw gateway: {error}\n")
        return 2
    except StartError as error:
        sys.stderr.write(f"{error}\n")
        return error.exit_status
    globalLogBeginner.beginLoggingTo([gateway.console()], redirectStandardIO=False)
    gateway.startService()
    reactor.addSystemEventTrigger("before", "shutdown", gateway.stopService)
    reactor.callWhenRunning(_heed_signals, reactor)
    reactor.run()
    return gateway.exit_status


def _heed_signals(reactor: Any) -> None:
    """Stop at a signal; Twisted's own handlers report a second one as an error of the program."""

    def stop() -> None:
        with suppress(ReactorNotRunning):
            reactor.stop()

    def heed(number: int, _: object) -> None:
        _log.info("received {signal}, stopping", signal=signal.Signals(number).name)
        reactor.callFromThread(stop)

    for number in (signal.SIGINT, signal.SIGTERM):
        # A shell has what it starts in the background ignore Ctrl-C, which is not meant for it.
        if signal.getsignal(number) != signal.SIG_IGN:
            signal.signal(number, heed)


def _unseal(options: ProcessOptions) -> int:
    # Loaded for this alone.
    from openclaw.assembly.unsealing import unseal_journal

    os.umask(0o077)
    try:
        lines = unseal_journal(settings_options(options), os.environ, Path.home())
    except StoreError as error:
        sys.stderr.write(f"Error: {error.message}\n")
        return int(getattr(error, "exit_status", 1))
    sys.stdout.write("".join(f"{line}\n" for line in lines))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
