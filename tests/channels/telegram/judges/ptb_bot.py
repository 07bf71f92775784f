"""A bot on python-telegram-bot, as a judge of the stand-in: it must connect, hear and answer.

Run with the address of the Bot API and the token; each step is printed as a line of JSON.
"""

import io
import json
import sys
from typing import Any

from telegram import BotCommand, ReactionTypeEmoji, ReplyParameters, Update
from telegram.error import BadRequest, Forbidden, RetryAfter
from telegram.ext import Application, CallbackQueryHandler, MessageHandler, MessageReactionHandler
from telegram.ext.filters import ALL


def tell(**line: Any) -> None:
    print(json.dumps(line), flush=True)


async def greet(application: Any) -> None:
    bot = application.bot
    await bot.set_my_commands([BotCommand("help", "Help")])
    tell(step="ready", name=bot.username, id=bot.id)


async def heard(update: Update, context: Any) -> None:
    if update.edited_message is not None:
        tell(step="edited", text=update.edited_message.text)
        return
    message = update.effective_message
    assert message is not None and message.from_user is not None
    tell(step="heard", text=message.text, chat=message.chat_id, sender=message.from_user.id)
    word = (message.text or "").partition(" ")[0]
    if word == "work":
        await work(message, context.bot)
    elif word == "errors":
        await errors(message, context.bot)
    elif message.document is not None:
        file = await message.document.get_file()
        data = await file.download_as_bytearray()
        tell(step="fetched", size=len(data))


async def work(message: Any, bot: Any) -> None:
    """Every method that the stand-in serves, answers decoded strictly by the library."""
    await message.chat.send_action("typing")
    sent = await message.reply_text(
        "<b>done</b>",
        parse_mode="HTML",
        reply_parameters=ReplyParameters(message_id=message.message_id),
    )
    edited = await sent.edit_text("changed")
    await message.set_reaction("👍")
    file = await message.reply_document(io.BytesIO(b"%PDF"), filename="a.pdf", caption="file")
    extra = await message.reply_text("gone soon")
    await extra.delete()
    tell(step="worked", text=edited.text, file=file.message_id, caption=file.caption)


async def errors(message: Any, bot: Any) -> None:
    """Refusals have to come out as the library's own exceptions."""
    found = []
    for call in (
        bot.send_message(chat_id=4711, text="x"),
        bot.send_message(chat_id=message.chat_id, text="<b>x", parse_mode="HTML"),
        bot.send_message(chat_id=message.chat_id, text="x" * 5000),
        bot.edit_message_text("x", chat_id=message.chat_id, message_id=999),
        bot.send_message(chat_id=43, text="x"),
        bot.send_location(chat_id=message.chat_id, latitude=1, longitude=1),
    ):
        try:
            await call
        except (BadRequest, Forbidden, RetryAfter) as error:
            found.append(f"{type(error).__name__}: {error.message}")
    tell(step="errors", found=found)


async def pressed(update: Update, context: Any) -> None:
    query = update.callback_query
    assert query is not None
    await query.answer()
    tell(step="pressed", data=query.data)


async def reacted(update: Update, context: Any) -> None:
    change = update.message_reaction
    assert change is not None
    (reaction,) = change.new_reaction
    assert isinstance(reaction, ReactionTypeEmoji)
    tell(step="reacted", emoji=reaction.emoji)


def main(root: str, token: str) -> None:
    application = (
        Application.builder()
        .token(token)
        .base_url(f"{root}/bot")
        .base_file_url(f"{root}/file/bot")
        .post_init(greet)
        .build()
    )
    application.add_handler(CallbackQueryHandler(pressed))
    application.add_handler(MessageReactionHandler(reacted))
    application.add_handler(MessageHandler(ALL, heard))
    application.run_polling(allowed_updates=Update.ALL_TYPES, timeout=1, stop_signals=None)


if __name__ == "__main__":
    main(*sys.argv[1:])
