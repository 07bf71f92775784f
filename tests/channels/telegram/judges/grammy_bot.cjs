// A bot on grammY, as a judge of the stand-in. Run with the package's directory, the address of
// the Bot API and the token; each step is printed as a line of JSON.
const [directory, apiRoot, token] = process.argv.slice(2);
const { Bot, InputFile, GrammyError } = require(directory);

const tell = (line) => process.stdout.write(`${JSON.stringify(line)}\n`);
const bot = new Bot(token, { client: { apiRoot } });

bot.on("message:text", async (ctx) => {
  tell({ step: "heard", text: ctx.message.text, chat: ctx.chat.id, sender: ctx.from.id });
  if (!ctx.message.text.startsWith("work")) return;
  await ctx.replyWithChatAction("typing");
  const sent = await ctx.reply("<i>done</i>", {
    parse_mode: "HTML",
    reply_parameters: { message_id: ctx.message.message_id },
  });
  const edited = await ctx.api.editMessageText(ctx.chat.id, sent.message_id, "changed");
  await ctx.react("👍");
  const file = await ctx.replyWithDocument(new InputFile(Buffer.from("%PDF"), "a.pdf"), {
    caption: "file",
  });
  let refused = "";
  try {
    await ctx.api.sendMessage(4711, "x");
  } catch (error) {
    if (!(error instanceof GrammyError)) throw error;
    refused = `${error.error_code} ${error.description}`;
  }
  tell({ step: "worked", text: edited.text, caption: file.caption, refused });
});
bot.on("edited_message", (ctx) => tell({ step: "edited", text: ctx.editedMessage.text }));
bot.on("callback_query:data", async (ctx) => {
  await ctx.answerCallbackQuery();
  tell({ step: "pressed", data: ctx.callbackQuery.data });
});
bot.on("message_reaction", (ctx) =>
  tell({ step: "reacted", emoji: ctx.messageReaction.new_reaction[0].emoji }),
);
bot.start({
  timeout: 1,
  allowed_updates: ["message", "edited_message", "callback_query", "message_reaction"],
  onStart: (me) => tell({ step: "ready", name: me.username, id: me.id }),
});
