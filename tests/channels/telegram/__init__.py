"""Tests of the Telegram channel, against a stand-in for the Bot API and real clients of it."""
