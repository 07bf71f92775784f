"""What a run wants of how the model answers, in the words of each API; the operator's come on top.

What an API has no word for is left out: it is a wish about style, not about the answer's sense.
"""

from typing import Any

from openclaw.interfaces.agents import AnswerForm, RunRequest

_ONLY = "only "
ANY_JSON = {"type": "json_object"}


def completions_wanted(request: RunRequest) -> dict[str, Any]:
    """For ``openai-completions``, which has a word for everything."""
    wanted = request.sampling
    found: dict[str, Any] = {
        "temperature": wanted.temperature,
        "top_p": wanted.top_p,
        "frequency_penalty": wanted.frequency_penalty,
        "presence_penalty": wanted.presence_penalty,
        "seed": wanted.seed,
        "stop": list(wanted.stop) or None,
    }
    if wanted.form is not None:
        schema = _schema(wanted.form)
        form = {"type": "json_schema", "json_schema": schema} if schema else ANY_JSON
        found["response_format"] = form
    if request.tools and request.tool_choice:
        name = _only(request)
        choice = {"type": "function", "function": {"name": name}}
        found["tool_choice"] = choice if name else "required"
    return _set(found)


def responses_wanted(request: RunRequest) -> dict[str, Any]:
    """For ``openai-responses``, which knows neither penalties nor a stop text."""
    found: dict[str, Any] = {
        "temperature": request.sampling.temperature,
        "top_p": request.sampling.top_p,
    }
    form = request.sampling.form
    if form is not None:
        schema = _schema(form)
        found["text"] = {"format": {"type": "json_schema", **schema} if schema else ANY_JSON}
    if request.tools and request.tool_choice:
        name = _only(request)
        found["tool_choice"] = {"type": "function", "name": name} if name else "required"
    return _set(found)


def messages_wanted(request: RunRequest, *, thinks: bool) -> dict[str, Any]:
    """For ``anthropic-messages``.

    :param thinks: a model that thinks first may be told neither how warm to be nor to use a tool.
    """
    wanted = request.sampling
    found: dict[str, Any] = {"stop_sequences": list(wanted.stop) or None}
    if not thinks:
        warmth = wanted.temperature
        found["temperature"] = None if warmth is None else min(warmth, 1.0)
        # Newer models refuse to be told both.
        found["top_p"] = wanted.top_p if warmth is None else None
        if request.tools and request.tool_choice:
            name = _only(request)
            found["tool_choice"] = {"type": "tool", "name": name} if name else {"type": "any"}
    return _set(found)


def _schema(form: AnswerForm) -> dict[str, Any]:
    """A schema with its name; empty if any JSON will do."""
    if not form.name:
        return {}
    more = _set({"description": form.description or None, "strict": form.strict})
    return {"name": form.name, "schema": form.schema, **more}


def _only(request: RunRequest) -> str:
    """The one tool that has to be used; empty if any will do."""
    choice = request.tool_choice
    return choice.removeprefix(_ONLY) if choice.startswith(_ONLY) else ""


def _set(found: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in found.items() if value is not None}
