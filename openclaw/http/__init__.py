"""The HTTP side of the house: what the gateway serves, and the one client it asks others with."""
