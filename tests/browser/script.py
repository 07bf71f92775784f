"""Runs one Node script to its end; it may ask for the gateway to be stopped, started or killed.

A script asks with a line ``{"do": "stop"}`` on its standard output and reads ``{"done": "stop"}``.
Whatever it prints on standard error is its report when it fails.
"""

import json
import os
import signal
import subprocess
import tempfile
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import IO, Any

from tests.conformance import packages
from tests.conformance.target import Gateway, clean_environment

HERE = Path(__file__).parent
_REPORT_CHARACTERS = 6000


class ScriptFailed(AssertionError):
    """A script ended with another status than 0; the message is its report."""


def run_check(name: str, gateway: Gateway, seconds: float, settings: Mapping[str, Any]) -> None:
    """Run one script of ``checks/`` against a running gateway.

    :param settings: what the script finds in ``settings`` beside the gateway's address.
    :raises ScriptFailed: a check failed, or it took more than ``seconds``.
    """
    given = {"http": gateway.http, "token": gateway.token, **settings}
    given["browser"] = str(packages.browser())
    environment = clean_environment(
        gateway.directory,
        OPENCLAW_NODE_MODULES=str(packages.modules()),
        OPENCLAW_TEST_SETTINGS=json.dumps(given),
    )
    arguments = [str(packages.node()), str(HERE / "checks" / name)]
    deeds: dict[str, Callable[[], object]] = {
        "stop": gateway.stop_process,
        "kill": lambda: gateway.stop_process(signal.SIGKILL),
        "start": gateway.start_process,
    }
    status, report = _run(arguments, environment, seconds, deeds)
    if status != 0:
        raise ScriptFailed(f"{name}: status {status}\n{report}\ngateway:\n{gateway.log_tail()}")


def run_units(name: str, seconds: float) -> None:
    """Run one file of ``units/`` with Node's own test runner.

    :raises ScriptFailed: a test failed, or it took more than ``seconds``.
    """
    arguments = [str(packages.node()), "--test", "--test-reporter=spec"]
    arguments += ["--test-reporter-destination=stderr", str(HERE / "units" / name)]
    status, report = _run(arguments, dict(os.environ), seconds, {})
    if status != 0:
        raise ScriptFailed(f"{name}: status {status}\n{report}")


def _run(
    arguments: list[str],
    environment: Mapping[str, str],
    seconds: float,
    deeds: Mapping[str, Callable[[], object]],
) -> tuple[int, str]:
    with tempfile.TemporaryFile() as errors:
        process = subprocess.Popen(
            arguments,
            env=dict(environment),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            start_new_session=True,
        )
        # The browser is the script's child: at the end of time both go.
        clock = threading.Timer(seconds, _kill_group, [process])
        clock.start()
        try:
            _serve(process, deeds)
            status = process.wait()
        finally:
            clock.cancel()
            _kill_group(process)
            _close(process)
        return status, _read_end(errors)


def _serve(process: "subprocess.Popen[bytes]", deeds: Mapping[str, Callable[[], object]]) -> None:
    assert process.stdin is not None and process.stdout is not None
    for line in process.stdout:
        deed = json.loads(line)["do"]
        deeds[deed]()
        process.stdin.write(json.dumps({"done": deed}).encode() + b"\n")
        process.stdin.flush()


def _kill_group(process: "subprocess.Popen[bytes]") -> None:
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        return  # Everything in the group has ended.


def _close(process: "subprocess.Popen[bytes]") -> None:
    process.wait()
    for pipe in (process.stdin, process.stdout):
        if pipe is not None:
            pipe.close()


def _read_end(file: IO[bytes]) -> str:
    file.seek(0)
    return file.read().decode(errors="replace")[-_REPORT_CHARACTERS:]
