"""``python -m openclaw``: the gateway in the foreground; a signal drains it, then it exits 0."""

import sys

from twisted.logger import globalLogBeginner
from twisted.python import usage

from openclaw.errors import StartError
from openclaw.tap import Options, make_gateway


def main(arguments: list[str]) -> int:
    """Run until a signal comes; return the exit status."""
    from twisted.internet import reactor

    options = Options()
    try:
        options.parseOptions(arguments)
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
    reactor.run()
    return gateway.exit_status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
