"""Turn a secret as it is written into its value; where files and keyrings are read is elsewhere."""

import re
from collections.abc import Mapping

from openclaw.config.environment import variable
from openclaw.config.schema.fields import Secret, SecretRef
from openclaw.config.secret_sources import from_file, from_keyring
from openclaw.errors import ConfigError

_REFERENCE = re.compile(r"(\$?)\$\{([A-Z_][A-Z0-9_]*)\}")


def resolve(secret: Secret | None, environ: Mapping[str, str], path: str) -> str | None:
    """Give a secret's value: ``${NAME}`` from the environment, ``$${NAME}`` as plain text.

    :param path: JSON path of the secret, for the error.
    :return: ``None`` if nothing is configured.
    :raises ConfigError: if it is not to be had where it should be, or the value is blank.
    """
    if secret is None:
        return None
    if isinstance(secret, SecretRef):
        return _referred(secret, environ, path)
    value = _REFERENCE.sub(lambda match: _variable(match, environ, path), secret).strip()
    if not value:
        raise ConfigError("is blank; set a value or remove the key", path)
    return value


def describe(secret: Secret) -> str:
    """Say where a secret comes from, to be put behind its path; empty if it stands there itself."""
    if isinstance(secret, SecretRef):
        where = {"env": secret.id, "file": secret.path}.get(secret.source, secret.service)
        return f" ({secret.source} {where})"
    found = _REFERENCE.fullmatch(secret)
    return f" (env {found[2]})" if found and not found[1] else ""


def _referred(secret: SecretRef, environ: Mapping[str, str], path: str) -> str:
    if secret.source == "env":
        return _look_up(secret.id, environ, path)
    if secret.source == "file":
        return from_file(secret, environ.get("HOME", ""), path)
    if secret.source == "keyring":
        return from_keyring(secret, path)
    raise ConfigError(
        f'secrets from "{secret.source}" are not served; use "env", "file" or "keyring", '
        'or "${NAME}" and set that environment variable',
        path,
    )


def _variable(match: re.Match[str], environ: Mapping[str, str], path: str) -> str:
    escaped, name = match[1], match[2]
    return f"${{{name}}}" if escaped else _look_up(name, environ, path)


def _look_up(name: str, environ: Mapping[str, str], path: str) -> str:
    value = variable(environ, name)
    if value is None:
        raise ConfigError(
            f"the environment variable {name} is not set; "
            "set it where the gateway is started, or write the value here",
            path,
        )
    return value
