"""``twistd openclaw``: reads the options, binds the port, returns the service; starts nothing."""

import os
import sys
from pathlib import Path
from typing import Any

from twisted.application.service import IService
from twisted.python import usage

from openclaw.assembly.gateway import GatewayService, build
from openclaw.config import settings as configuration
from openclaw.errors import StartError


class Options(usage.Options):
    """The start contract: an option beats the environment, which beats the configuration."""

    optParameters = (
        ["config", None, None, "Configuration file [<state-dir>/openclaw.json]."],
        ["state-dir", None, None, "State directory [~/.openclaw]."],
        ["host", None, None, "Address to listen on [127.0.0.1]."],
        ["port", None, None, "Port to listen on [18789]."],
        ["token", None, None, "Token that clients must present [made and kept]."],
    )
    optFlags = (
        ["allow-plaintext", None, "Listen beyond this machine without TLS and without a proxy."],
    )


def settings_options(options: Options) -> configuration.Options:
    """The options in the configuration's own terms."""
    return configuration.Options(
        config=options["config"],
        state_dir=options["state-dir"],
        host=options["host"],
        port=options["port"],
        token=options["token"],
        allow_plaintext=bool(options["allow-plaintext"]),
    )


def make_gateway(options: Options, reactor: Any, greet: bool = False) -> GatewayService:
    """Build the whole gateway, its port bound.

    :param greet: print the web chat's address, with a one-time code in it, once it is ready.
    :raises StartError: it cannot start; the message is for the terminal.
    """
    os.umask(0o077)
    return build(settings_options(options), os.environ, Path.home(), reactor, greet)


def makeService(options: Options, reactor: Any = None) -> IService:
    """Build the service for ``twistd``; a start that cannot succeed ends the process here."""
    if reactor is None:
        from twisted.internet import reactor as installed

        reactor = installed
    try:
        return make_gateway(options, reactor)
    except StartError as error:
        sys.stderr.write(f"{error}\n")
        raise SystemExit(error.exit_status) from None
