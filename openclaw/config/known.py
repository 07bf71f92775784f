"""Every secret whose value is known once the settings are decided; shows none of them."""

from openclaw.config.redact import KnownSecrets, secrets_in
from openclaw.config.settings import Settings


def known_secrets(settings: Settings, *more: str) -> KnownSecrets:
    """Collect what must not be in a log, wherever it came from.

    :param more: secrets that are in no setting, such as the token of the token file.
    """
    found = secrets_in(settings.loaded.tree)
    found |= {text for text in (settings.token, settings.password) if text}
    found |= {text for text in (settings.remote_token, settings.remote_password) if text}
    for provider in settings.providers.values():
        found |= {provider.api_key or "", *provider.headers.values()}
        for headers in provider.model_headers.values():
            found |= set(headers.values())
    for backend in settings.backends.values():
        found |= set(backend.secrets)
    for skill in settings.skills.values():
        found |= set(skill.secrets)
    for server in settings.mcp.values():
        found |= set(server.secrets)
    found |= set((settings.sealing.keys.given or "").replace(",", " ").split())
    return KnownSecrets([*found, *more])
