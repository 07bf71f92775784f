"""Every configuration key that is understood, as frozen structs; says nothing about precedence."""

from openclaw.config.schema.root import Config

__all__ = ["Config"]
