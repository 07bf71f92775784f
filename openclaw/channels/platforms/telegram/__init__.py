"""Telegram by the Bot API: one bot account, by long polling or by webhook."""
