"""Tells ``twistd`` about the gateway; the gateway itself is in :mod:`openclaw.tap`."""

from twisted.application.service import ServiceMaker

openclaw = ServiceMaker(
    "Gateway for personal AI assistants",
    "openclaw.tap",
    "A gateway for personal AI assistants that speaks the OpenClaw Gateway protocol",
    "openclaw",
)
