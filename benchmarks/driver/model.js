// An OpenAI-compatible model stand-in: streams as many chunks as the last user message asks for. It thinks nothing.
// `chunks=200 pace=20` in the message means 200 chunks, 20 ms apart; without it one chunk comes at once.
// `stamp=1` makes the first chunk say when it was written, on the clock that all processes of a machine share.
"use strict";

const http = require("node:http");

const HEADERS = { "content-type": "text/event-stream", "cache-control": "no-cache" };
let chunksSent = 0;

/** What the user said since the assistant last spoke: gateways add notes of their own after the message. */
function lastUserText(messages) {
  const since = messages.findLastIndex((one) => one.role === "assistant" || one.role === "system") + 1;
  const texts = messages.slice(since).map(({ content }) =>
    typeof content === "string" ? content : content.map((part) => part.text ?? "").join(" "),
  );
  return texts.join("\n");
}

function wish(text, name, fallback) {
  const found = [...text.matchAll(new RegExp(`\\b${name}=(\\d+)`, "g"))].pop();
  return found ? Number(found[1]) : fallback;
}

function chunk(delta, finish, usage) {
  const body = {
    id: "chatcmpl-bench", object: "chat.completion.chunk", created: 1, model: "mock-1",
    choices: [{ index: 0, delta, finish_reason: finish }],
  };
  if (usage) body.usage = usage;
  return `data: ${JSON.stringify(body)}\n\n`;
}

function finish(response) {
  response.end(`${chunk({}, "stop", { prompt_tokens: 10, completion_tokens: 5, total_tokens: 15 })}data: [DONE]\n\n`);
}

/** The text of a chunk; one that is stamped says when it was written, in nanoseconds. */
function words(number, stamped) {
  return stamped && number === 0 ? `@${process.hrtime.bigint()}@ ` : `word${number % 10} `;
}

function stream(response, count, paceMs, stamped) {
  response.writeHead(200, HEADERS);
  response.write(chunk({ role: "assistant", content: "" }, null));
  let sent = 0;
  const timer = setInterval(() => {
    if (sent === count || response.destroyed) {
      clearInterval(timer);
      return finish(response);
    }
    response.write(chunk({ content: words(sent++, stamped) }, null));
    chunksSent++;
  }, paceMs);
}

function streamAtOnce(response, count) {
  response.writeHead(200, HEADERS);
  for (let sent = 0; sent < count; sent++, chunksSent++) response.write(chunk({ content: `word${sent % 10} ` }, null));
  finish(response);
}

function complete(response) {
  const message = { role: "assistant", content: "word" };
  const usage = { prompt_tokens: 10, completion_tokens: 1, total_tokens: 11 };
  response.writeHead(200, { "content-type": "application/json" });
  response.end(JSON.stringify({ id: "x", object: "chat.completion", created: 1, model: "mock-1", choices: [{ index: 0, message, finish_reason: "stop" }], usage }));
}

function answer(text, response) {
  const body = JSON.parse(text || "{}");
  if (!body.stream) return complete(response);
  const asked = lastUserText(body.messages ?? []);
  const pace = wish(asked, "pace", 0);
  const count = wish(asked, "chunks", 1);
  return pace ? stream(response, count, pace, wish(asked, "stamp", 0)) : streamAtOnce(response, count);
}

const server = http.createServer((request, response) => {
  if (request.url === "/chunks") return response.end(String(chunksSent));
  if (request.method === "GET") return response.end('{"object":"list","data":[{"id":"mock-1","object":"model"}]}');
  let text = "";
  request.setEncoding("utf8");
  request.on("data", (part) => (text += part));
  request.on("end", () => answer(text, response));
});

server.keepAliveTimeout = 60_000;
server.listen(Number(process.argv[2]), "127.0.0.1");
