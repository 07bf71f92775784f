"""Makes what Schemathesis invents meet the gateway: an agent that exists, something to answer.

What was invented to be wrong stays wrong: only texts that are allowed are replaced, and only lists
that are allowed are lengthened.
"""

from typing import Any

import schemathesis

LONGEST = 256
MOST = 4096
KEPT = 8


@schemathesis.hook
def map_headers(context: Any, headers: Any) -> Any:
    """Leave most requests to the default agent, and to a session of their own."""
    if not headers:
        return headers
    return {
        name: value
        for name, value in headers.items()
        if not name.lower().startswith("x-openclaw") or hash(str(value)) % KEPT == 0
    }


@schemathesis.hook
def map_body(context: Any, body: Any) -> Any:
    """Change the body of one request."""
    if not isinstance(body, dict):
        return body
    model = body.get("model")
    if isinstance(model, str) and 0 < len(model) <= LONGEST and "encoding_format" in body:
        body["model"] = "mock/vectors"
    messages = body.get("messages")
    if isinstance(messages, list) and 0 < len(messages) < MOST:
        body["messages"] = [*messages, {"role": "user", "content": "hi"}]
    given = body.get("input")
    if isinstance(given, list) and 0 < len(given) < MOST and "instructions" in body:
        body["input"] = [*given, {"role": "user", "content": "hi"}]
    return body
