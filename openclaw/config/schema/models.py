"""The ``models`` section: which servers of models there are, how each is spoken to; keys only."""

from typing import Annotated, Any, Literal

from msgspec import field

from openclaw.config.schema.fields import Positive, Secret, Section, later, now


class Cost(Section, frozen=True, kw_only=True):
    """Price of a model, in dollars per million tokens."""

    input: Annotated[float, now("Input tokens.")] = 0.0
    output: Annotated[float, now("Output tokens.")] = 0.0
    cache_read: Annotated[float, now("Input tokens read from a cache.")] = 0.0
    cache_write: Annotated[float, now("Input tokens written to a cache.")] = 0.0


class Compat(Section, frozen=True, kw_only=True):
    """Where a server differs from the API it speaks; what is absent is as the API says."""

    supports_tools: Annotated[bool, now("Whether tools may be sent.")] = True
    supports_usage_in_streaming: Annotated[
        bool, now("Whether it can be asked for token counts.")
    ] = True
    supports_developer_role: Annotated[
        bool, now("Whether the system prompt is sent in the role ``developer``.")
    ] = False
    max_tokens_field: Annotated[
        Literal["max_tokens", "max_completion_tokens"] | None,
        now("How it calls the longest answer; guessed from the address when absent."),
    ] = None
    supports_reasoning_effort: Annotated[bool, now("Whether it can be told how much to think.")] = (
        True
    )
    reasoning_effort_map: Annotated[
        dict[str, str], now("Its words for ``off``, ``minimal``, ``low``, ``medium``, ``high``.")
    ] = field(default_factory=dict)
    thinking_format: Annotated[
        str,
        now(
            "How it is told how much to think: ``openai``, ``openrouter``, ``deepseek``, ``zai``, "
            "``qwen`` or ``qwen-chat-template``."
        ),
    ] = "openai"
    force_adaptive_thinking: Annotated[
        bool | None,
        now("Anthropic: whether it thinks by effort, not by budget; guessed from its id."),
    ] = None
    requires_tool_result_name: Annotated[bool, now("Whether a tool's result names the tool.")] = (
        False
    )
    requires_assistant_after_tool_result: Annotated[
        bool, now("Whether an answer must stand between a tool's result and the user's words.")
    ] = False
    requires_thinking_as_text: Annotated[bool, later("Whether thoughts are sent as text.")] = False
    supports_store: Annotated[bool | None, later("Whether it can keep answers.")] = None
    supports_strict_mode: Annotated[bool | None, later("Whether it keeps to schemas.")] = None


class Model(Section, frozen=True, kw_only=True):
    """One model of a provider."""

    id: Annotated[str, now("The provider's name for it.")]
    name: Annotated[str | None, now("Name shown to people; the id when absent.")] = None
    api: Annotated[str | None, now("Its API where it differs from the provider's.")] = None
    context_window: Annotated[Positive | None, now("Tokens it can read.")] = None
    max_tokens: Annotated[Positive | None, now("Tokens it can write.")] = None
    reasoning: Annotated[bool, now("Whether it thinks before it answers.")] = False
    input: Annotated[tuple[str, ...], now("What it reads: ``text``, ``image``.")] = ("text",)
    cost: Annotated[Cost, now("Dollars per million tokens.")] = Cost()
    headers: Annotated[
        dict[str, Secret], now("Extra request headers; they win over the provider's.")
    ] = field(default_factory=dict)
    compat: Annotated[Compat, now("Peculiarities of its server.")] = Compat()
    params: Annotated[dict[str, Any], now("Extra parameters of its requests.")] = field(
        default_factory=dict
    )


class Provider(Section, frozen=True, kw_only=True):
    """One server of models."""

    base_url: Annotated[str | None, now("Its address, ``https://api.example.com/v1``.")] = None
    api_key: Annotated[Secret | None, now("Its key; ``${NAME}`` reads the environment.")] = None
    api: Annotated[
        str | None,
        now(
            "How it is spoken to: ``openai-completions`` (the default), ``openai-responses`` or "
            "``anthropic-messages`` (the default of ``anthropic``)."
        ),
    ] = None
    models: Annotated[tuple[Model, ...], now("Its models.")] = ()
    headers: Annotated[dict[str, Secret], now("Extra request headers.")] = field(
        default_factory=dict
    )
    auth: Annotated[str | None, later("How the key is sent.")] = None
    auth_header: Annotated[
        bool | None, now("Whether the key is sent as ``Authorization: Bearer``, whatever the API.")
    ] = None
    timeout_seconds: Annotated[Positive | None, now("Deadline of one request.")] = None


class Models(Section, frozen=True, kw_only=True):
    """Which servers of models there are."""

    mode: Annotated[str | None, later("Whether the list replaces a built-in one.")] = None
    providers: Annotated[dict[str, Provider], now("Servers of models by id.")] = field(
        default_factory=dict
    )
    pricing: Annotated[Any, later("Where prices come from.")] = None
