"""Every call of the Web API that matters here, made with slack_sdk; says what came of each."""

import json
import os
import sys
from typing import Any

from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError

client = WebClient(token=os.environ["BOT_TOKEN"], base_url=os.environ["API_URL"])
chat = os.environ["CHAT"]
found: dict[str, Any] = {}

found["me"] = client.auth_test()["user_id"]
metadata = {"event_type": "judged", "event_payload": {"id": "1"}}
root = client.chat_postMessage(channel=chat, text="root", metadata=metadata)
reply = client.chat_postMessage(channel=chat, text="reply", thread_ts=root["ts"])
client.chat_update(channel=chat, ts=reply["ts"], text="changed")
client.reactions_add(channel=chat, timestamp=root["ts"], name="thumbsup")
marks = client.reactions_get(channel=chat, timestamp=root["ts"])["message"]["reactions"]
found["marks"] = [mark["name"] for mark in marks]
client.reactions_remove(channel=chat, timestamp=root["ts"], name="thumbsup")
history = client.conversations_history(channel=chat, include_all_metadata=True)
found["metadata"] = history["messages"][0]["metadata"]
pages = client.conversations_replies(channel=chat, ts=root["ts"], limit=1)
found["replies"] = [message["text"] for page in pages for message in page["messages"]]
found["direct"] = client.conversations_open(users="U1")["channel"]["id"]
found["name"] = client.users_info(user="U1")["user"]["profile"]["display_name"]
shared = client.files_upload_v2(channel=chat, content="bytes", filename="a.txt", title="A")
file = client.files_info(file=shared["files"][0]["id"])["file"]
found["shared"] = next(iter(file["shares"].values()))[chat][0]["ts"]
client.chat_delete(channel=chat, ts=reply["ts"])
found["errors"] = []
for call in (
    lambda: client.chat_postMessage(channel="C404", text="x"),
    lambda: client.chat_update(channel=chat, ts="1.000000", text="x"),
    lambda: client.reactions_remove(channel=chat, timestamp=root["ts"], name="x"),
    lambda: WebClient(token="xoxb-no", base_url=client.base_url).auth_test(),
):
    try:
        call()
    except SlackApiError as error:
        found["errors"].append(error.response["error"])
sys.stdout.write(json.dumps(found))
