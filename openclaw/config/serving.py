"""Refuse to serve what would be unsafe; a command line that only reads settings need not ask."""

from openclaw.config.listening import is_loopback
from openclaw.config.settings import Settings
from openclaw.errors import ConfigError


def check_serving(settings: Settings) -> None:
    """Raise if a gateway must not be started with these settings.

    :raises ConfigError: names the key, and what to do.
    """
    gateway = settings.config.gateway
    if gateway.mode == "remote":
        raise ConfigError(
            'is "remote": this host talks to another gateway; set "local" to run one here',
            "gateway.mode",
        )
    if settings.auth_mode == "trusted-proxy":
        raise ConfigError('"trusted-proxy" is not served yet; use "token"', "gateway.auth.mode")
    if gateway.tls.enabled:
        raise ConfigError(
            "TLS is not served yet, and plain text is no substitute for it; set it to false "
            "and let a proxy on this host speak TLS",
            "gateway.tls.enabled",
        )
    exposed = [host for host in settings.hosts if not is_loopback(host)]
    if exposed and settings.auth_mode == "none":
        raise ConfigError(
            f'refusing to listen on {exposed[0]} without authentication; set "token", '
            "or listen on 127.0.0.1",
            "gateway.auth.mode",
        )
