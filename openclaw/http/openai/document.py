"""The description of this API for programs (OpenAPI 3.1), made from the types that decode it."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from attrs import field, frozen

from openclaw.http.gate import API_ROUTES
from openclaw.http.openai.address import AGENT_HEADER, MODEL_HEADER, SESSION_HEADER
from openclaw.http.openai.chat.answer import ChatChunk, ChatCompletion
from openclaw.http.openai.chat.request import ChatRequest
from openclaw.http.openai.embeddings import EmbeddingsList, EmbeddingsRequest
from openclaw.http.openai.errors import ErrorBody
from openclaw.http.openai.exchange import Exchange
from openclaw.http.openai.invoke import Invoked, InvokeRequest, NotInvoked
from openclaw.http.openai.models import Model, ModelList
from openclaw.http.openai.responses.answer import Response
from openclaw.http.openai.responses.items import Item, MessageItem
from openclaw.http.openai.responses.request import ResponsesRequest
from openclaw.protocol.base import encode, to_plain

_JSON = "application/json"
_EVENTS = "text/event-stream"
_ALWAYS = {
    401: "The token is missing or wrong.",
    403: "The token lacks the scope, or the gateway does not know itself by this name.",
    429: "Too much, too often, or too many wrong tokens; `Retry-After` says when to come back.",
    503: "The gateway, its journal or the model's provider cannot do it now.",
}
_WITH_BODY = {
    400: "The request cannot succeed as it is; `param` names the field.",
    408: "The body took too long.",
    413: "The body is too large.",
}
_OF_RUNS = {
    502: "The model's provider failed.",
    504: "There was no answer in time.",
}


@frozen(kw_only=True)
class Operation:
    """One way to ask.

    :ivar answer: what comes back if all goes well.
    :ivar events: what comes back, piece by piece, if ``stream`` is true.
    :ivar problem: the body of a refusal, besides the usual one.
    :ivar headers: what it looks at, besides the token.
    :ivar refusals: statuses besides those of every operation, in words.
    """

    id: str
    summary: str
    body: Any = None
    answer: Any = None
    events: Any = None
    problem: Any = None
    headers: Mapping[str, str] = field(factory=dict)
    refusals: Mapping[int, str] = field(factory=dict)


_AGENT = {AGENT_HEADER: "The agent, where `model` names none."}
_SESSION = {**_AGENT, SESSION_HEADER: "The session that the request belongs to."}

OPERATIONS: Mapping[str, Operation] = {
    "/openapi.json": Operation(id="describe", summary="This description."),
    "/v1/models": Operation(id="listModels", summary="The agents.", answer=ModelList),
    "/v1/models/{model}": Operation(
        id="getModel", summary="One agent.", answer=Model, refusals={404: "There is none."}
    ),
    "/v1/chat/completions": Operation(
        id="createChatCompletion",
        summary="Let an agent answer a conversation.",
        body=ChatRequest,
        answer=ChatCompletion,
        events=ChatChunk,
        headers=_SESSION,
        refusals=_OF_RUNS,
    ),
    "/v1/responses": Operation(
        id="createResponse",
        summary="Let an agent answer; the newer form.",
        body=ResponsesRequest,
        answer=Response,
        events=dict[str, Any],
        headers=_SESSION,
        refusals=_OF_RUNS,
    ),
    "/v1/embeddings": Operation(
        id="createEmbedding",
        summary="Vectors of texts, from a provider that has them.",
        body=EmbeddingsRequest,
        answer=EmbeddingsList,
        headers={**_AGENT, MODEL_HEADER: "The provider's model, `provider/model`."},
        refusals={404: "No provider has embeddings.", **_OF_RUNS},
    ),
    "/tools/invoke": Operation(
        id="invokeTool",
        summary="Use one tool.",
        body=InvokeRequest,
        answer=Invoked,
        problem=NotInvoked,
        refusals={404: "There is no such tool for this caller."},
    ),
}


def document(models: Sequence[str] = ()) -> dict[str, Any]:
    """The whole of it.

    :param models: what ``model`` may be at one gateway; none to say nothing of it.
    """
    if OPERATIONS.keys() != API_ROUTES.keys():
        odd = ", ".join(sorted(OPERATIONS.keys() ^ API_ROUTES.keys()))
        raise ValueError(f"routes and their description differ: {odd}")
    types = [ErrorBody, Item, *_types()]
    schemas, components = msgspec.json.schema_components(
        types, ref_template="#/components/schemas/{name}"
    )
    by_type = {str(kind): schema for kind, schema in zip(types, schemas, strict=True)}
    _items(components, by_type[str(Item)])
    for request in (ChatRequest, ResponsesRequest) if models else ():
        components[request.__name__]["properties"]["model"] = {"enum": list(models)}
    found = {
        "openapi": "3.1.0",
        "info": {"title": "OpenClaw gateway: API for programs", "version": "1"},
        "servers": [{"url": "/"}],
        "security": [{"token": []}],
        "paths": {path: _path(path, one, by_type) for path, one in OPERATIONS.items()},
        "components": {
            "schemas": components,
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
    }
    plain: dict[str, Any] = to_plain(found)
    return plain


def document_text() -> str:
    """The description of any gateway, as text."""
    return json.dumps(document(), indent=2, ensure_ascii=False) + "\n"


class Description:
    """Serves ``GET /openapi.json``.

    :param models: what ``model`` may be here.
    """

    def __init__(self, models: Sequence[str]) -> None:
        self._models = models
        self._text = b""

    async def serve(self, exchange: Exchange) -> None:
        """Answer one request; the text is made at the first."""
        if not self._text:
            self._text = encode(document(self._models))
        exchange.answer(200, self._text)


def _types() -> list[Any]:
    found: list[Any] = []
    for one in OPERATIONS.values():
        found += [one.body, one.answer, one.events, one.problem]
    return [kind for kind in found if kind is not None]


def _items(components: dict[str, Any], item: dict[str, Any]) -> None:
    """Say what the items of an input are; they are read one by one, after the rest."""
    message = components[MessageItem.__name__]
    message["required"] = [name for name in message["required"] if name != "type"]
    _, listed = components[ResponsesRequest.__name__]["properties"]["input"]["anyOf"]
    listed["items"] = {"anyOf": item["anyOf"]}


def _path(path: str, one: Operation, schemas: Mapping[str, Any]) -> dict[str, Any]:
    operation: dict[str, Any] = {
        "operationId": one.id,
        "summary": one.summary,
        "description": f"Needs the scope `{API_ROUTES[path]}`.",
        "responses": _responses(one, schemas),
    }
    parameters = [_parameter("path", name, "") for name in ("model",) if f"{{{name}}}" in path]
    parameters += [_parameter("header", name, words) for name, words in one.headers.items()]
    if parameters:
        operation["parameters"] = parameters
    if one.body is None:
        return {"get": operation}
    content = {_JSON: {"schema": schemas[str(one.body)]}}
    operation["requestBody"] = {"required": True, "content": content}
    return {"post": operation}


def _parameter(place: str, name: str, words: str) -> dict[str, Any]:
    parameter: dict[str, Any] = {"in": place, "name": name, "schema": {"type": "string"}}
    if words:
        parameter["description"] = words
    if place == "path":
        parameter["required"] = True
    return parameter


def _event(schema: Any) -> dict[str, Any]:
    """What each event of a stream is; before its next version OpenAPI says it in this place."""
    data = {"type": "string", "contentMediaType": _JSON, "contentSchema": schema}
    last = {"const": "[DONE]"}
    fields = {"event": {"type": "string"}, "data": {"anyOf": [last, data]}}
    return {"type": "object", "properties": fields, "required": ["data"]}


def _responses(one: Operation, schemas: Mapping[str, Any]) -> dict[str, Any]:
    answer = {"type": "object"} if one.answer is None else schemas[str(one.answer)]
    content = {_JSON: {"schema": answer}}
    if one.events is not None:
        content[_EVENTS] = {"schema": _event(schemas[str(one.events)])}
    good = {"description": "It was done.", "content": content}
    refusals = {**_ALWAYS, **(_WITH_BODY if one.body is not None else {}), **one.refusals}
    error = schemas[str(ErrorBody)]
    if one.problem is not None:
        error = {"anyOf": [schemas[str(one.problem)], error]}
    refused = {
        str(status): {"description": refusals[status], "content": {_JSON: {"schema": error}}}
        for status in sorted(refusals)
    }
    return {"200": good, **refused}
