"""What is known of one model provider before anybody talks to it; plain data, and how it is made.

The configuration says what the operator wrote; this says where requests go and what is offered.
"""

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from attrs import evolve, field, frozen

from openclaw.config.providers import PROCESS, ModelProvider
from openclaw.config.schema.models import Compat, Model
from openclaw.errors import ConfigError
from openclaw.interfaces.agents import ModelInfo

COMPLETIONS = "openai-completions"
RESPONSES = "openai-responses"
MESSAGES = "anthropic-messages"

SERVED_APIS = frozenset({COMPLETIONS, RESPONSES, MESSAGES})

SHORTEST_SECRET = 4
"""Characters; hiding anything shorter would garble the words it happens to stand in."""


@frozen
class ModelSettings:
    """How one model is asked.

    :ivar headers: sent with its requests, the operator's own.
    :ivar params: put into its requests as they are.
    :ivar max_tokens: most tokens of an answer; 0 for the server's own.
    """

    api: str = COMPLETIONS
    headers: Mapping[str, str] = field(factory=dict, repr=False)
    params: Mapping[str, Any] = field(factory=dict)
    compat: Compat = field(factory=Compat)
    max_tokens: int = 0


@frozen
class ProviderSettings:
    """One server of models.

    :ivar base_url: without the ``/chat/completions`` or ``/messages`` at its end.
    :ivar api: how it is spoken to, unless a model has its own.
    :ivar api_key: empty for a server that wants none.
    :ivar bearer: the key is sent as ``Authorization: Bearer``, whatever the API.
    :ivar headers: sent with every request, the operator's own.
    :ivar asked: by id, how the models are asked that are not asked as all others.
    :ivar models: what is offered; the first is the provider's default.
    :ivar open_ended: models that are not listed may be asked for too.
    :ivar unlisted_input: what those are taken to read.
    :ivar obstacle: why no run can succeed, and what to do; empty if nothing is in the way.
    :ivar obstacle_kind: the kind of :class:`openclaw.errors.ModelError` that it is.
    :ivar idle_seconds: how long the server may be silent, before its answer and within it.
    """

    id: str
    base_url: str
    api_key: str = field(default="", repr=False)
    headers: Mapping[str, str] = field(factory=dict, repr=False)
    models: tuple[ModelInfo, ...] = ()
    open_ended: bool = False
    unlisted_input: tuple[str, ...] = ("text",)
    obstacle: str = ""
    obstacle_kind: str = "invalid"
    connect_seconds: float = 10.0
    idle_seconds: float = 120.0
    api: str = COMPLETIONS
    bearer: bool = False
    asked: Mapping[str, ModelSettings] = field(factory=dict)

    def how(self, model: str) -> ModelSettings:
        """Say how a model is asked, listed or not."""
        return self.asked.get(model) or ModelSettings(self.api)

    def hide_secrets(self, words: str) -> str:
        """Take out of somebody else's words what only we and the provider may know."""
        more = (value for one in self.asked.values() for value in one.headers.values())
        for secret in (self.api_key, *self.headers.values(), *more):
            if len(secret) >= SHORTEST_SECRET:
                words = words.replace(secret, "[redacted]")
        return words


@frozen
class KnownProvider:
    """A provider that needs nothing but a key.

    :ivar key_name: the environment variable that holds the key.
    :ivar models: the default first; any other id may be asked for too.
    """

    base_url: str
    api: str
    key_name: str
    models: tuple[Model, ...]


_EYES = ("text", "image")

KNOWN: Mapping[str, KnownProvider] = {
    "openai": KnownProvider(
        base_url="https://api.openai.com/v1",
        api=COMPLETIONS,
        key_name="OPENAI_API_KEY",
        models=(
            Model(id="gpt-6-astra", name="GPT-6 Astra", reasoning=True, input=_EYES),
            Model(id="gpt-5.5", name="GPT-5.5", reasoning=True, input=_EYES),
        ),
    ),
    "anthropic": KnownProvider(
        base_url="https://api.anthropic.com/v1",
        api=MESSAGES,
        key_name="ANTHROPIC_API_KEY",
        models=(
            Model(
                id="claude-opus-5",
                name="Claude Opus 5",
                reasoning=True,
                input=_EYES,
                max_tokens=32_000,
            ),
            Model(
                id="claude-sonnet-4-6",
                name="Claude Sonnet 4.6",
                reasoning=True,
                input=_EYES,
                max_tokens=32_000,
            ),
        ),
    ),
}


def provider_settings(provider: ModelProvider) -> ProviderSettings:
    """Say where a configured provider's requests go, and what it offers.

    :raises ConfigError: for an address with credentials in it.
    """
    known = KNOWN.get(provider.id)
    at_home = known is not None and _is_home(provider.base_url, known)
    base_url = known.base_url if known is not None and at_home else provider.base_url or ""
    obstacle, kind = _obstacle(provider, base_url, known if at_home else None)
    models = provider.models
    if not models and known is not None and at_home:
        models = known.models
    listed = tuple(_model_info(provider.id, model) for model in models)
    settings = ProviderSettings(
        id=provider.id,
        base_url=_without_credentials(base_url, provider.id),
        api_key=provider.api_key or "",
        headers=provider.headers,
        models=listed if not obstacle else tuple(evolve(one, available=False) for one in listed),
        open_ended=not provider.models or provider.api == PROCESS,
        unlisted_input=_EYES if at_home else ("text",),
        obstacle=obstacle,
        obstacle_kind=kind,
        api=provider.api,
        bearer=provider.auth_header,
        asked=_asked(provider, models),
    )
    if provider.timeout_seconds is None:
        return settings
    return evolve(settings, idle_seconds=float(provider.timeout_seconds))


def _is_home(url: str | None, known: KnownProvider) -> bool:
    """Whether an address is the provider's own; Anthropic's is written without ``/v1`` as well."""
    return url is None or url.rstrip("/") in (known.base_url, known.base_url.removesuffix("/v1"))


def _asked(provider: ModelProvider, models: tuple[Model, ...]) -> dict[str, ModelSettings]:
    """How each model is asked: what is said of it alone wins over what is said of all."""
    found = {
        model.id: ModelSettings(
            api=model.api or provider.api,
            headers=provider.model_headers.get(model.id, {}),
            params={**model.params, **provider.params.get(model.id, {})},
            compat=model.compat,
            max_tokens=model.max_tokens or 0,
        )
        for model in models
    }
    for id, params in provider.params.items():
        found.setdefault(id, ModelSettings(provider.api, params=params))
    return found


def _obstacle(
    provider: ModelProvider, base_url: str, at_home: KnownProvider | None
) -> tuple[str, str]:
    """Find what is in the way of every run; a known provider at home needs only its key."""
    if provider.api == PROCESS:
        return "", ""
    if provider.api not in SERVED_APIS:
        served = ", ".join(sorted(SERVED_APIS))
        return f"the API {provider.api!r} is not yet served; {served} are", "invalid"
    if at_home is not None:
        if provider.api_key:
            return "", ""
        return f"no API key; set {at_home.key_name} in the gateway's environment", "auth"
    if not base_url:
        return f"no address; set models.providers.{provider.id}.baseUrl", "invalid"
    return "", ""


def _without_credentials(url: str, id: str) -> str:
    if "@" in urlsplit(url).netloc:
        # It would be shown wherever the address is; keys have a place that never is.
        raise ConfigError(
            "expected an address without credentials; use apiKey or headers",
            f"models.providers.{id}.baseUrl",
        )
    return url


def _model_info(provider: str, model: Model) -> ModelInfo:
    return ModelInfo(
        provider=provider,
        id=model.id,
        name=model.name or model.id,
        context_window=model.context_window or 0,
        reasoning=model.reasoning,
        input=model.input,
        available=model.api in (None, *SERVED_APIS),
    )
