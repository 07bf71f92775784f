"""What strangers and the hasty are told, in English or Chinese; decides nothing."""

# ruff: noqa: RUF001 - the full-width punctuation is Chinese, and meant.

import re

from attrs import frozen

MOST_ID = 100

_HAN = re.compile(r"[\u3400-\u4dbf\u4e00-\u9fff]")
_KANA = re.compile(r"[\u3040-\u30ff]")


@frozen
class Phrases:
    """One language.

    :ivar stranger: takes ``sender``, ``channel`` and ``code``.
    :ivar hasty: takes ``seconds``.
    """

    stranger: str
    hasty: str


ENGLISH = Phrases(
    stranger=(
        "I do not know you yet. Here you are {sender}.\n"
        "Your code: {code} (good for one hour)\n"
        "My owner lets you in with:\n"
        "openclaw pairing approve {channel} {code}"
    ),
    hasty=(
        "That was too much at a time: I did not take your last message. "
        "Please send it again in {seconds} s."
    ),
)
CHINESE = Phrases(
    stranger=(
        "我还不认识你。你在这里的 ID 是 {sender}。\n"
        "你的配对码：{code}（一小时内有效）\n"
        "请我的主人运行：\n"
        "openclaw pairing approve {channel} {code}"
    ),
    hasty="消息太快了，上一条没有收下。请在 {seconds} 秒后再发一次。",
)


def for_stranger(said: str, channel: str, sender_id: str, code: str) -> str:
    """Who somebody is to the assistant, and how to be let in, in the language of what was said."""
    sender = sender_id if len(sender_id) <= MOST_ID else sender_id[:MOST_ID] + "…"
    return _phrases(said).stranger.format(sender=sender, channel=channel, code=code)


def for_hasty(said: str, wait_ms: int) -> str:
    """That a message was not taken, and when the next one will be."""
    return _phrases(said).hasty.format(seconds=max(1, -(-wait_ms // 1000)))


def _phrases(said: str) -> Phrases:
    return CHINESE if _HAN.search(said) and not _KANA.search(said) else ENGLISH
