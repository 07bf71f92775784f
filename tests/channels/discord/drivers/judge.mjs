// Logs discord.js in, answers the first message that mentions it, and says what it saw.
// Usage: node judge.mjs <node_modules> <api root> <token>

import { createRequire } from "node:module";
import { join } from "node:path";

const [modules, api, token] = process.argv.slice(2);
const { Client, Events, GatewayIntentBits, Partials } = createRequire(join(modules, "x.js"))("discord.js");

const say = (event, data) => console.log(JSON.stringify({ event, ...data }));
const client = new Client({
  rest: { api },
  intents: [
    GatewayIntentBits.Guilds,
    GatewayIntentBits.GuildMessages,
    GatewayIntentBits.GuildMessageReactions,
    GatewayIntentBits.DirectMessages,
    GatewayIntentBits.MessageContent,
  ],
  partials: [Partials.Channel],
});

client.on(Events.Error, (error) => say("error", { message: String(error) }));
client.once(Events.ClientReady, (ready) =>
  say("ready", { user: ready.user.id, guilds: ready.guilds.cache.map((guild) => guild.name) }));
client.on(Events.MessageUpdate, (_, after) => say("edited", { content: after.content }));
client.on(Events.InteractionCreate, async (interaction) => {
  await interaction.deferReply();
  await interaction.editReply(`chosen: ${interaction.commandName}`);
  say("chosen", { name: interaction.commandName });
});
client.on(Events.MessageCreate, async (message) => {
  if (message.author.bot) return;
  say("message", {
    content: message.content,
    author: message.author.id,
    guild: message.guild?.name ?? null,
    channel: message.channel.name ?? null,
    mentioned: message.mentions.has(client.user),
  });
  if (message.content.includes("goodbye")) {
    await client.destroy();
    return;
  }
  const sent = await message.reply({ content: "pong", files: [{ attachment: Buffer.from("file"), name: "a.txt" }] });
  await sent.edit("pong, edited");
  await message.react("👍");
  await message.channel.sendTyping();
  say("answered", { id: sent.id });
});

await client.login(token);
