"""A small app on slack_bolt over Socket Mode: answers mentions, commands and direct messages."""

import json
import os
import sys
from typing import Any

from slack_bolt import App
from slack_bolt.adapter.socket_mode import SocketModeHandler
from slack_sdk import WebClient

client = WebClient(token=os.environ["BOT_TOKEN"], base_url=os.environ["API_URL"])
app = App(client=client)


def tell(what: str, **more: Any) -> None:
    """One line for the test."""
    sys.stdout.write(json.dumps({"what": what, **more}) + "\n")
    sys.stdout.flush()


@app.event("app_mention")
def mentioned(event: dict[str, Any], say: Any, context: Any) -> None:
    said = say(text=f"you said {event['text']}", thread_ts=event["ts"])
    client.reactions_add(channel=event["channel"], timestamp=event["ts"], name="eyes")
    tell("mention", ts=said["ts"], bot=context["bot_user_id"])


@app.event("message")
def heard(event: dict[str, Any], say: Any) -> None:
    if event.get("channel_type") == "im":
        tell("message", user=client.users_info(user=event["user"])["user"]["name"])


@app.command("/ask")
def asked(ack: Any, command: dict[str, Any]) -> None:
    ack(f"asked {command['text']}")
    tell("command", text=command["text"])


SocketModeHandler(app, os.environ["APP_TOKEN"], trace_enabled=False).start()
