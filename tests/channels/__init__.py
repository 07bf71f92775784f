"""The channel kit and every platform."""
