"""What all sections share: their base class, notes beside fields, secrets; no keys of its own."""

from typing import Annotated

import msgspec
import msgspec.structs
from msgspec import Meta

from openclaw.config.redact import redact_tree
from openclaw.config.units import encode_unit


class Section(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """One object of the configuration; its ``repr`` shows no secret."""

    def __repr__(self) -> str:
        fields = msgspec.structs.fields(self)
        changed = {
            field.encode_name: msgspec.to_builtins(value, enc_hook=encode_unit)
            for field in fields
            if (value := getattr(self, field.name)) != field.default and value != {}
        }
        return f"{type(self).__name__}({redact_tree(changed)})"


class SecretRef(Section, frozen=True, kw_only=True):
    """A secret that lives elsewhere, in the original's spelling."""

    source: Annotated[str, Meta(description="Where it lives: ``env``, ``file`` or ``keyring``.")]
    id: Annotated[
        str,
        Meta(description="The variable, the keyring's user, or a JSON pointer into the file."),
    ] = ""
    path: Annotated[str, Meta(description="The file that holds it, for ``file``.")] = ""
    service: Annotated[str, Meta(description="The keyring's service, for ``keyring``.")] = (
        "openclaw"
    )
    provider: Annotated[str, Meta(description="Kept, not used.")] = "default"


Secret = str | SecretRef
Positive = Annotated[int, Meta(ge=1)]


def now(description: str) -> Meta:
    """Describe a key that works; a change of it needs a restart."""
    return Meta(description=description, extra={"applies": "restart"})


def later(description: str) -> Meta:
    """Describe a key that is understood, and reported as not yet served when somebody sets it."""
    return Meta(description=description, extra={"applies": "later"})


def port_number(description: str) -> Meta:
    """Describe a TCP port."""
    return Meta(ge=0, le=65535, description=description, extra={"applies": "restart"})


def at_least(least: int, description: str) -> Meta:
    """Describe a whole number with a lower bound."""
    return Meta(ge=least, description=description, extra={"applies": "restart"})
