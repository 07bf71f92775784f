"""People whom somebody else vouches for: an OpenID provider, a certificate, a proxy, Tailscale."""
