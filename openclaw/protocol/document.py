"""The JSON Schema of the whole protocol, made from the same types that decode it."""

from typing import Any

import msgspec

from openclaw.protocol.connect import PROTOCOL, ConnectParams, Features
from openclaw.protocol.events import EVENTS
from openclaw.protocol.frames import Event, Request, Response
from openclaw.protocol.hello import HelloOk
from openclaw.protocol.methods import METHODS, Method

_FRAMES: dict[str, Any] = {
    "Request": Request,
    "Response": Response,
    "Event": Event,
    "ConnectParams": ConnectParams,
    "HelloOk": HelloOk,
    "Features": Features,
}


def json_schema() -> dict[str, Any]:
    """The document: frames and handshake by name, every method and event with its types."""
    parts = {f"frame {name}": wire_type for name, wire_type in _FRAMES.items()}
    for name, method in METHODS.items():
        parts[f"params {name}"] = method.params
        parts[f"result {name}"] = method.result
        if method.or_result is not None:
            parts[f"or {name}"] = method.or_result
    parts |= {f"event {name}": kind.payload for name, kind in EVENTS.items()}
    schemas, components = msgspec.json.schema_components(
        parts.values(), ref_template="#/$defs/{name}"
    )
    schema = dict(zip(parts, schemas, strict=True))
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Gateway protocol",
        "version": PROTOCOL,
        "frames": {name: schema[f"frame {name}"] for name in _FRAMES},
        "methods": {name: _method(method, schema) for name, method in METHODS.items()},
        "events": {
            name: {
                "summary": kind.summary,
                "scope": kind.scope,
                "payload": schema[f"event {name}"],
            }
            for name, kind in EVENTS.items()
        },
        "$defs": components,
    }


def _method(method: Method, schema: dict[str, Any]) -> dict[str, Any]:
    """One method's entry; two shapes of a result become ``anyOf``."""
    result = schema[f"result {method.name}"]
    if method.or_result is not None:
        result = {"anyOf": [result, schema[f"or {method.name}"]]}
    return {
        "summary": method.summary,
        "scope": method.scope,
        "idempotencyKey": method.keyed,
        "params": schema[f"params {method.name}"],
        "result": result,
    }
