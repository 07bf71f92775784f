"""The official Python client; run with the gateway's address and a token."""

import json
import sys
from collections.abc import Callable
from typing import Any

import openai
import pydantic

TOOL: Any = {"name": "clock", "description": "Tells the time.", "parameters": {"type": "object"}}
CHAT_TOOL: Any = {"type": "function", "function": TOOL}
ASK = '[call=clock {"zone":"UTC"}]'
MODEL = "openclaw"


def user(text: str) -> Any:
    """One message."""
    return [{"role": "user", "content": text}]


def refused(ask: Callable[[], object]) -> list[Any]:
    """How a request was refused: the client's own class, the status, the code."""
    try:
        ask()
    except openai.APIStatusError as error:
        return [type(error).__name__, error.status_code, error.code]
    return ["nothing", 0, None]


def tools(client: openai.OpenAI) -> str:
    """A call, its result, the answer."""
    messages = user(ASK)
    asked: Any = client.chat.completions.create(model=MODEL, messages=messages, tools=[CHAT_TOOL])
    message = asked.choices[0].message
    (call,) = message.tool_calls
    result = {"role": "tool", "tool_call_id": call.id, "content": f"{call.function.name} noon"}
    messages += [message.to_dict(), result]
    answer = client.chat.completions.create(model=MODEL, messages=messages, tools=[CHAT_TOOL])
    return str(answer.choices[0].message.content)


def streamed_tools(client: openai.OpenAI) -> list[Any]:
    """The calls of a stream, put together by the client."""
    with client.chat.completions.stream(
        model=MODEL, messages=user(ASK), tools=[CHAT_TOOL]
    ) as stream:
        stream.until_done()
        message: Any = stream.get_final_completion().choices[0].message
    call = message.tool_calls[0].function
    return [message.content, call.name, call.arguments]


def abort(client: openai.OpenAI) -> str:
    """Leave a stream after its first words."""
    text = ""
    stream = client.chat.completions.create(model=MODEL, messages=user("[slow]"), stream=True)
    for chunk in stream:
        text += chunk.choices[0].delta.content or ""
        if text:
            break
    stream.close()
    return text


def responses(client: openai.OpenAI) -> list[Any]:
    """A response, one that goes on from it, one in events, one with a tool."""
    api = client.responses
    first = api.create(model=MODEL, input="hi")
    second = api.create(model=MODEL, input="[echo] more", previous_response_id=first.id)
    with api.stream(model=MODEL, input="[chunks=3 delay=20]") as stream:
        kinds = [event.type for event in stream]
        third = stream.get_final_response()
    tool: Any = {"type": "function", "strict": False, **TOOL}
    asked: Any = api.create(model=MODEL, input=ASK, tools=[tool])
    call = asked.output[-1]
    result: Any = {"type": "function_call_output", "call_id": call.call_id, "output": "noon"}
    told = api.create(model=MODEL, input=[result], tools=[tool], previous_response_id=asked.id)
    texts = [one.output_text for one in (first, second, third, told)]
    return [texts, kinds[0], kinds[-1], call.name]


class Clock(pydantic.BaseModel):
    """The form of an answer."""

    zone: str


def forms(client: openai.OpenAI) -> list[str]:
    """Answers in a form, read by the client."""
    asked = '[echo] {"zone": "UTC"}'
    chat: Any = client.chat.completions.parse(
        model=MODEL, messages=user(asked), response_format=Clock
    )
    response: Any = client.responses.parse(model=MODEL, input=asked, text_format=Clock)
    return [chat.choices[0].message.parsed.zone, response.output_parsed.zone]


def main(address: str, token: str) -> None:
    """Do everything, step by step."""
    client = openai.OpenAI(base_url=address, api_key=token, max_retries=0, timeout=60)
    create = client.chat.completions.create
    stranger = client.with_options(api_key="wrong")
    plain: Any = create(model=MODEL, messages=user("hi"))
    usage: Any = {"include_usage": True}
    chunks: Any = list(
        create(model=MODEL, messages=user("[chunks=4 delay=20]"), stream=True, stream_options=usage)
    )
    words = [one.choices[0].delta.content or "" for one in chunks if one.choices]
    found = {
        "models": [one.id for one in client.models.list()],
        "model": client.models.retrieve("openclaw/default").id,
        "plain": [plain.choices[0].message.content, plain.usage.total_tokens],
        "stream": ["".join(words), chunks[-1].usage.total_tokens],
        "tools": tools(client),
        "streamed tools": streamed_tools(client),
        "responses": responses(client),
        "forms": forms(client),
        "embeddings": client.embeddings.create(model="mock/v", input="a b").data[0].embedding,
        "errors": [
            refused(lambda: stranger.models.list()),
            refused(lambda: client.models.retrieve("gpt-4")),
            refused(lambda: create(model="gpt-4", messages=user("hi"))),
            refused(lambda: create(model=MODEL, messages=user("hi"), n=2)),
            refused(lambda: create(model=MODEL, messages=user("[error=429]"))),
            refused(lambda: client.responses.create(model=MODEL, input="[error=401]")),
        ],
        "abort": abort(client),
    }
    print(json.dumps(found), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
