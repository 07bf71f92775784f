// The official Node client; run with the package's directory, the gateway's address and a token.
import { pathToFileURL } from "node:url";

const [directory, baseURL, apiKey] = process.argv.slice(2);
const { default: OpenAI, APIError } = await import(pathToFileURL(`${directory}/index.mjs`));

const client = new OpenAI({ baseURL, apiKey, maxRetries: 0, timeout: 20_000 });
const model = "openclaw";
const tool = { name: "clock", description: "Tells the time.", parameters: { type: "object" } };
const chatTool = { type: "function", function: tool };
const ask = '[call=clock {"zone":"UTC"}]';
const user = (text) => [{ role: "user", content: text }];
const create = (body, options) => client.chat.completions.create({ model, ...body }, options);

const refused = async (asking) => {
  try {
    await asking();
  } catch (error) {
    if (!(error instanceof APIError)) throw error;
    return [error.constructor.name, error.status, error.code ?? null];
  }
  return ["nothing", 0, null];
};

const tools = async () => {
  const messages = user(ask);
  const { message } = (await create({ messages, tools: [chatTool] })).choices[0];
  const [call] = message.tool_calls;
  const content = `${call.function.name} noon`;
  messages.push(message, { role: "tool", tool_call_id: call.id, content });
  return (await create({ messages, tools: [chatTool] })).choices[0].message.content;
};

const streamedTools = async () => {
  const stream = client.chat.completions.stream({ model, messages: user(ask), tools: [chatTool] });
  const { message } = (await stream.finalChatCompletion()).choices[0];
  const call = message.tool_calls[0].function;
  return [message.content, call.name, call.arguments];
};

const abort = async () => {
  const controller = new AbortController();
  const stream = await create(
    { messages: user("[slow]"), stream: true },
    { signal: controller.signal },
  );
  let text = "";
  for await (const chunk of stream) {
    text += chunk.choices[0].delta.content ?? "";
    if (text) break;
  }
  controller.abort();
  return text;
};

const responses = async () => {
  const api = client.responses;
  const first = await api.create({ model, input: "hi" });
  const second = await api.create({
    model,
    input: "[echo] more",
    previous_response_id: first.id,
  });
  const stream = api.stream({ model, input: "[chunks=3 delay=20]" });
  const kinds = [];
  for await (const event of stream) kinds.push(event.type);
  const third = await stream.finalResponse();
  const given = [{ type: "function", strict: false, ...tool }];
  const asked = await api.create({ model, input: ask, tools: given });
  const call = asked.output.at(-1);
  const told = await api.create({
    model,
    input: [{ type: "function_call_output", call_id: call.call_id, output: "noon" }],
    tools: given,
    previous_response_id: asked.id,
  });
  const texts = [first, second, third, told].map((one) => one.output_text);
  return [texts, kinds[0], kinds.at(-1), call.name];
};

const forms = async () => {
  const schema = {
    type: "object",
    properties: { zone: { type: "string" } },
    required: ["zone"],
    additionalProperties: false,
  };
  const form = { name: "Clock", schema, strict: true };
  const asked = '[echo] {"zone": "UTC"}';
  const chat = await create({
    messages: user(asked),
    response_format: { type: "json_schema", json_schema: form },
  });
  const response = await client.responses.create({
    model,
    input: asked,
    text: { format: { type: "json_schema", ...form } },
  });
  const texts = [chat.choices[0].message.content, response.output_text];
  return texts.map((text) => JSON.parse(text).zone);
};

const ids = [];
for await (const one of client.models.list()) ids.push(one.id);
const plain = await create({ messages: user("hi") });
let words = "";
let total = 0;
for await (const chunk of await create({
  messages: user("[chunks=4 delay=20]"),
  stream: true,
  stream_options: { include_usage: true },
})) {
  words += chunk.choices[0]?.delta.content ?? "";
  total = chunk.usage?.total_tokens ?? total;
}
const stranger = new OpenAI({ baseURL, apiKey: "wrong", maxRetries: 0 });
const vectors = await client.embeddings.create({ model: "mock/v", input: "a b" });
const found = {
  models: ids,
  model: (await client.models.retrieve("openclaw/default")).id,
  plain: [plain.choices[0].message.content, plain.usage.total_tokens],
  stream: [words, total],
  tools: await tools(),
  "streamed tools": await streamedTools(),
  responses: await responses(),
  forms: await forms(),
  embeddings: vectors.data[0].embedding,
  errors: [
    await refused(() => stranger.models.list()),
    await refused(() => client.models.retrieve("gpt-4")),
    await refused(() => create({ model: "gpt-4", messages: user("hi") })),
    await refused(() => create({ messages: user("hi"), n: 2 })),
    await refused(() => create({ messages: user("[error=429]") })),
    await refused(() => client.responses.create({ model, input: "[error=401]" })),
  ],
  abort: await abort(),
};
process.stdout.write(`${JSON.stringify(found)}\n`);
