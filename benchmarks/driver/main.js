// The load generator: one JSON command per line on stdin, one JSON answer per line on stdout, in order.
"use strict";

const readline = require("node:readline");

const load = require("./load.js");
const { closePool, openPool } = require("./pools.js");

const OPERATIONS = { ...load, openPool, closePool };

async function answer(line) {
  const command = JSON.parse(line);
  try {
    return { ok: true, ...(await OPERATIONS[command.operation](command)) };
  } catch (error) {
    return { ok: false, error: String(error.message ?? error) };
  }
}

async function main() {
  for await (const line of readline.createInterface({ input: process.stdin })) {
    process.stdout.write(`${JSON.stringify(await answer(line))}\n`);
  }
  process.exit(0);
}

main();
