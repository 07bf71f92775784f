"""Discord: a bot account over Gateway v10 and REST v10, with slash commands."""
