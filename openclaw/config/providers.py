"""Model providers with their keys looked up, from file and environment; opens no connection."""

from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import urlsplit

from attrs import evolve, field, frozen

from openclaw.config.backends import AgentBackend
from openclaw.config.environment import variable
from openclaw.config.references import resolve
from openclaw.config.schema import Config
from openclaw.config.schema.agents import Agents, choice_of
from openclaw.config.schema.fields import Secret
from openclaw.config.schema.models import Model, Provider
from openclaw.errors import ConfigError


@frozen
class ModelProvider:
    """One server of models, ready to be used.

    :ivar base_url: address without a slash at its end; ``None`` means the API's own.
    :ivar headers: extra request headers; they may hold secrets.
    :ivar model_headers: by the id of a model, those of its own; they may hold secrets too.
    :ivar params: by the id of a model, extra parameters of its requests.
    :ivar auth_header: whether the key is sent as ``Authorization: Bearer``, whatever the API.
    """

    id: str
    base_url: str | None
    api: str
    api_key: str | None = field(default=None, repr=False)
    headers: Mapping[str, str] = field(factory=dict, repr=False)
    models: tuple[Model, ...] = ()
    timeout_seconds: int | None = None
    model_headers: Mapping[str, Mapping[str, str]] = field(factory=dict, repr=False)
    params: Mapping[str, Mapping[str, Any]] = field(factory=dict)
    auth_header: bool = False


DEFAULT_API = "openai-completions"

_OF_THE_ENVIRONMENT = {
    "openai": ("OPENAI_API_KEY", "OPENAI_BASE_URL", DEFAULT_API),
    "anthropic": ("ANTHROPIC_API_KEY", "", "anthropic-messages"),
}


PROCESS = "process"
"""The API of agents that are programs; it needs no address."""


def providers(
    config: Config, environ: Mapping[str, str], programs: Iterable[AgentBackend] = ()
) -> tuple[dict[str, ModelProvider], tuple[str, ...]]:
    """Collect the providers that can be used, by id.

    One whose key is not to be had is left out with a warning, unless an agent's own model or the
    default one needs it.

    :param environ: the environment, ``env.vars`` of the file included.
    :param programs: agents that are programs; they stand among the providers.
    :return: the providers, and warnings.
    :raises ConfigError: for a wrong address, or a missing key of a provider that is needed.
    """
    ready, warnings = {}, []
    params = _params(config)
    needed = _needed(config.agents)
    for key, provider in config.models.providers.items():
        base_url = _address(provider.base_url, f"models.providers.{key}.baseUrl")
        try:
            found = _ready(key, provider, base_url, environ)
            ready[key] = evolve(found, params=params.get(key, {}))
        except ConfigError as error:
            if key in needed:
                raise
            warnings.append(f"{error}; the provider is left out")
    of_environment = {
        key: evolve(found, params=params.get(key, {}))
        for key, found in _from_environment(environ).items()
    }
    agents = {one.id: _of_program(one) for one in programs}
    return {**of_environment, **ready, **agents}, tuple(warnings)


def _needed(agents: Agents) -> set[str]:
    """The providers without which an agent could not answer as it is configured."""
    refs = {use.alias.casefold(): ref for ref, use in agents.defaults.models.items() if use.alias}
    chosen = [agents.defaults.primary_model]
    chosen += [choice_of(agent.model).primary for agent in agents.known]
    return {refs.get(name.casefold(), name).partition("/")[0] for name in chosen if name}


def _params(config: Config) -> dict[str, dict[str, dict[str, Any]]]:
    """Collect the extra parameters of ``agents.defaults.models``, by provider and model."""
    found: dict[str, dict[str, dict[str, Any]]] = {}
    for ref, use in config.agents.defaults.models.items():
        provider, _, model = ref.partition("/")
        if use.params:
            found.setdefault(provider, {})[model] = use.params
    return found


def _ready(
    key: str, provider: Provider, base_url: str | None, environ: Mapping[str, str]
) -> ModelProvider:
    path = f"models.providers.{key}"
    own_key, _, own_api = _OF_THE_ENVIRONMENT.get(key, ("", "", DEFAULT_API))
    of_models = {
        model.id: _headers(model.headers, environ, f"{path}.models[{at}].headers")
        for at, model in enumerate(provider.models)
        if model.headers
    }
    return ModelProvider(
        id=key,
        base_url=base_url,
        api=provider.api or own_api,
        api_key=resolve(provider.api_key, environ, f"{path}.apiKey") or variable(environ, own_key),
        headers=_headers(provider.headers, environ, f"{path}.headers"),
        models=provider.models,
        timeout_seconds=provider.timeout_seconds,
        model_headers=of_models,
        auth_header=bool(provider.auth_header),
    )


def _headers(
    headers: Mapping[str, Secret], environ: Mapping[str, str], path: str
) -> dict[str, str]:
    return {
        name: resolve(value, environ, f"{path}.{name}") or "" for name, value in headers.items()
    }


def _of_program(program: AgentBackend) -> ModelProvider:
    models = tuple(Model(id=id) for id in program.models)
    return ModelProvider(program.id, None, PROCESS, models=models)


def _from_environment(environ: Mapping[str, str]) -> dict[str, ModelProvider]:
    found = {}
    for key, (key_name, url_name, api) in _OF_THE_ENVIRONMENT.items():
        api_key, url = variable(environ, key_name), variable(environ, url_name)
        if api_key or url:  # A local server has an address and needs no key.
            found[key] = ModelProvider(key, _address(url, url_name), api, api_key)
    return found


def _address(url: str | None, path: str) -> str | None:
    if url is None:
        return None
    parts = urlsplit(url.strip())
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ConfigError("expected an address such as https://api.example.com/v1", path)
    return url.strip().rstrip("/")
