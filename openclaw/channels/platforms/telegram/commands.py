"""The commands that Telegram offers behind a slash."""

import re
from collections.abc import Mapping

from twisted.logger import Logger

from openclaw.channels.platforms.telegram.api import BotAPI, Refused, Unanswered
from openclaw.channels.platforms.telegram.settings import TelegramSettings

MOST = 100
DESCRIPTION = 256

NATIVE = {
    "help": "What I understand",
    "status": "How the gateway does",
    "sessions": "The conversations there are",
    "model": "Which model answers",
    "reset": "Begin this conversation anew",
    "stop": "Stop what runs and waits here",
    "approve": "What waits for approval",
}
"""What every gateway understands."""

_WORD = re.compile(r"[a-z0-9_]{1,32}\Z")
_log = Logger()


def offered(settings: TelegramSettings) -> Mapping[str, str]:
    """The commands of an account and their descriptions; words that Telegram refuses are left out.

    A command of the configuration goes before one of the gateway's with the same word.
    """
    found = dict(NATIVE) if settings.commands.native else {}
    for custom in settings.custom_commands:
        word = custom.command.strip().removeprefix("/").lower()
        description = custom.description.strip()[:DESCRIPTION]
        if not _WORD.match(word) or not description:
            _log.warn(
                "the Telegram command {word} is left out: expected 1 to 32 of a-z 0-9 _, and a "
                "description",
                word=custom.command,
            )
            continue
        found[word] = description
    return found


async def tell(api: BotAPI, commands: Mapping[str, str]) -> bool:
    """Tell Telegram; fewer of them if it finds them too many. A failure is only worth a warning.

    :return: whether that is settled, so that it need not be tried again.
    """
    left = [{"command": word, "description": text} for word, text in commands.items()][:MOST]
    while True:
        try:
            await api.call("setMyCommands", {"commands": left})
        except Refused as error:
            if error.says("bot_commands_too_much") and left:
                left = left[: len(left) * 4 // 5]
                continue
            _log.warn("Telegram did not take the list of commands: {why}", why=str(error))
            return error.code == 400
        except Unanswered as error:
            _log.warn("Telegram was not told the list of commands: {why}", why=error.message)
            return False
        return True
