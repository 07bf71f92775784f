"""What is known of one model provider before anybody talks to it; plain data, and how it is made.

The configuration says what the operator wrote; this says where requests go and what is offered.
"""

from collections.abc import Mapping
from urllib.parse import urlsplit

from attrs import evolve, field, frozen

from openclaw.config.providers import PROCESS, ModelProvider
from openclaw.config.schema.agents import Model
from openclaw.errors import ConfigError
from openclaw.interfaces.agents import ModelInfo

SERVED_APIS = frozenset({"openai-completions"})

SHORTEST_SECRET = 4
"""Characters; hiding anything shorter would garble the words it happens to stand in."""


@frozen
class ProviderSettings:
    """One server of models.

    :ivar base_url: without the ``/chat/completions`` at its end.
    :ivar api_key: empty for a server that wants none.
    :ivar headers: sent with every request, the operator's own.
    :ivar models: what is offered; the first is the provider's default.
    :ivar open_ended: models that are not listed may be asked for too.
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
    obstacle: str = ""
    obstacle_kind: str = "invalid"
    connect_seconds: float = 10.0
    idle_seconds: float = 120.0

    def hide_secrets(self, words: str) -> str:
        """Take out of somebody else's words what only we and the provider may know."""
        for secret in (self.api_key, *self.headers.values()):
            if len(secret) >= SHORTEST_SECRET:
                words = words.replace(secret, "[redacted]")
        return words


@frozen
class KnownProvider:
    """A provider that needs nothing but a key.

    :ivar base_url: its OpenAI-compatible address.
    :ivar key_name: the environment variable that holds the key.
    :ivar models: ids and names, the default first; any other id may be asked for too.
    """

    base_url: str
    key_name: str
    models: Mapping[str, str]


KNOWN: Mapping[str, KnownProvider] = {
    "openai": KnownProvider(
        base_url="https://api.openai.com/v1",
        key_name="OPENAI_API_KEY",
        models={"gpt-6-astra": "GPT-6 Astra", "gpt-5.5": "GPT-5.5"},
    ),
    # Its own compatible endpoint: https://platform.claude.com/docs/en/api/openai-sdk
    "anthropic": KnownProvider(
        base_url="https://api.anthropic.com/v1",
        key_name="ANTHROPIC_API_KEY",
        models={
            "claude-opus-5": "Claude Opus 5",
            "claude-sonnet-4-6": "Claude Sonnet 4.6",
        },
    ),
}


def provider_settings(provider: ModelProvider) -> ProviderSettings:
    """Say where a configured provider's requests go, and what it offers.

    :raises ConfigError: for an address with credentials in it.
    """
    known = KNOWN.get(provider.id)
    at_home = known is not None and provider.base_url in (None, known.base_url)
    base_url = known.base_url if known is not None and at_home else provider.base_url or ""
    obstacle, kind = _obstacle(provider, base_url, known if at_home else None)
    listed = tuple(_model_info(provider.id, model) for model in provider.models)
    if not listed and known is not None and at_home:
        listed = tuple(ModelInfo(provider.id, id, name) for id, name in known.models.items())
    settings = ProviderSettings(
        id=provider.id,
        base_url=_without_credentials(base_url, provider.id),
        api_key=provider.api_key or "",
        headers=provider.headers,
        models=listed if not obstacle else tuple(evolve(one, available=False) for one in listed),
        open_ended=not provider.models or provider.api == PROCESS,
        obstacle=obstacle,
        obstacle_kind=kind,
    )
    if provider.timeout_seconds is None:
        return settings
    return evolve(settings, idle_seconds=float(provider.timeout_seconds))


def _obstacle(
    provider: ModelProvider, base_url: str, at_home: KnownProvider | None
) -> tuple[str, str]:
    """Find what is in the way of every run; a known provider at home needs only its key."""
    if at_home is not None:
        if provider.api_key:
            return "", ""
        return f"no API key; set {at_home.key_name} in the gateway's environment", "auth"
    if provider.api == PROCESS:
        return "", ""
    if provider.api not in SERVED_APIS:
        served = ", ".join(sorted(SERVED_APIS))
        return f"the API {provider.api!r} is not yet served; {served} is", "invalid"
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
