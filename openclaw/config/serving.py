"""Refuse to serve what would be unsafe; a command line that only reads settings need not ask."""

from openclaw.config.listening import is_loopback
from openclaw.config.settings import Settings
from openclaw.errors import ConfigError

SERVED_QUEUES = ("sqlite", "memory")


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
    backend = settings.config.queue.backend
    if backend not in SERVED_QUEUES:
        raise ConfigError(
            f'"{backend}" is not served yet; expected one of '
            + ", ".join(f'"{one}"' for one in SERVED_QUEUES)
            + '; "sqlite" keeps messages in the journal of this gateway and needs no server',
            "queue.backend",
        )
    exposed = [host for host in settings.hosts if not is_loopback(host)]
    if exposed and settings.auth_mode == "none":
        raise ConfigError(
            f'refusing to listen on {exposed[0]} without authentication; set "token", '
            "or listen on 127.0.0.1",
            "gateway.auth.mode",
        )
    protected = settings.tls.enabled or settings.trusted_proxies or settings.allow_plaintext
    if exposed and not protected:
        raise ConfigError(
            f"refusing to listen on {exposed[0]} in plain text, where the token could be read on "
            "the way; set it to true, or name the proxy that speaks TLS in gateway.trustedProxies, "
            "or listen on 127.0.0.1. If nobody can listen in on this network, say so with "
            "--allow-plaintext or gateway.allowPlaintext",
            "gateway.tls.enabled",
        )
    if exposed and gateway.pairing.mode == "disabled":
        raise ConfigError(
            f'refusing to listen on {exposed[0]} without pairing; set "lenient", '
            "or listen on 127.0.0.1",
            "gateway.pairing.mode",
        )
