// Reads one JSON command per line and answers each with one JSON line; knows no commands itself.
//
// {"n": 1, "op": "name", ...} is answered by {"answers": 1, "result": ...} or
// {"answers": 1, "error": {...}}. Commands run side by side; the order of answers is theirs.

import { createRequire } from "node:module";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { pathToFileURL } from "node:url";

// The packages are not always beside the drivers, so every import of one goes through here.
const require = createRequire(join(process.env.OPENCLAW_NODE_MODULES, "anchor.cjs"));

export const load = (name) => require(name);

export const loadModule = (path) =>
  import(pathToFileURL(join(process.env.OPENCLAW_NODE_MODULES, path)).href);

export const say = (value) => process.stdout.write(`${JSON.stringify(value)}\n`);

export const failure = (error) => ({
  message: String(error?.message ?? error),
  code: error?.gatewayCode ?? error?.code,
  details: error?.details,
  retryable: error?.retryable,
  name: error?.name,
});

export const serve = async (operations, finish) => {
  const running = new Set();
  const run = async ({ n, op, ...given }) => {
    try {
      say({ answers: n, result: (await operations[op](given)) ?? null });
    } catch (error) {
      say({ answers: n, error: failure(error) });
    }
  };
  for await (const line of createInterface({ input: process.stdin })) {
    const work = run(JSON.parse(line));
    running.add(work);
    work.finally(() => running.delete(work));
  }
  await finish?.();
  process.exit(0);
};
