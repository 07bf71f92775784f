"""Which TLS versions and cipher suites are spoken; unknown and weak ones are no choice."""

from collections.abc import Sequence

from OpenSSL import SSL

from openclaw.errors import ConfigError

PATH = "security.transport.tls.ciphers"
# The standard names (IANA), and what OpenSSL calls them before TLS 1.3. Others exist; they have no
# forward secrecy or no authenticated encryption.
_TLS13 = {
    "TLS_AES_128_GCM_SHA256": "TLS_AES_128_GCM_SHA256",
    "TLS_AES_256_GCM_SHA384": "TLS_AES_256_GCM_SHA384",
    "TLS_CHACHA20_POLY1305_SHA256": "TLS_CHACHA20_POLY1305_SHA256",
}
_TLS12 = {
    "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256": "ECDHE-ECDSA-AES128-GCM-SHA256",
    "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384": "ECDHE-ECDSA-AES256-GCM-SHA384",
    "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256": "ECDHE-ECDSA-CHACHA20-POLY1305",
    "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256": "ECDHE-RSA-AES128-GCM-SHA256",
    "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384": "ECDHE-RSA-AES256-GCM-SHA384",
    "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256": "ECDHE-RSA-CHACHA20-POLY1305",
}
_BY_ANY_NAME = {
    **{name: name for name in _TLS13},
    **_TLS12,
    **{name: name for name in _TLS12.values()},
}
_VERSIONS = {"TLSv1.2": SSL.TLS1_2_VERSION, "TLSv1.3": SSL.TLS1_3_VERSION}


def restrict(context: SSL.Context, min_version: str, ciphers: Sequence[str]) -> None:
    """Let a context speak only this.

    :param min_version: ``TLSv1.2`` or ``TLSv1.3``.
    :param ciphers: standard or OpenSSL names; empty for all that are listed here.
    :raises ConfigError: names the suite that is none, or cannot be used with the version.
    """
    new, old = _split(min_version, ciphers)
    context.set_min_proto_version(_VERSIONS[min_version])
    context.set_max_proto_version(SSL.TLS1_3_VERSION)
    context.set_tls13_ciphersuites(":".join(new).encode())
    if min_version == "TLSv1.2" and old:
        context.set_cipher_list(":".join(old).encode())
    if not new:
        context.set_max_proto_version(SSL.TLS1_2_VERSION)
    elif not old:
        context.set_min_proto_version(SSL.TLS1_3_VERSION)


def _split(min_version: str, ciphers: Sequence[str]) -> tuple[list[str], list[str]]:
    if not ciphers:
        return list(_TLS13), list(_TLS12.values()) if min_version == "TLSv1.2" else []
    new: list[str] = []
    old: list[str] = []
    for index, name in enumerate(ciphers):
        known = _BY_ANY_NAME.get(name.strip())
        if known is None:
            names = ", ".join(_TLS13)
            raise ConfigError(f'"{name}" is no usable suite; such are {names}', f"{PATH}[{index}]")
        if known not in _TLS13 and min_version == "TLSv1.3":
            raise ConfigError(
                f'"{name}" belongs to TLS 1.2, and minVersion is "TLSv1.3"', f"{PATH}[{index}]"
            )
        (new if known in _TLS13 else old).append(known)
    return new, old
