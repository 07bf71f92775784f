// Named groups of connected clients, kept open between the commands of a run. They put no load on anything.
"use strict";

const { Client, makeDevice } = require("./client.js");

const BACKEND = { id: "gateway-client", mode: "backend" };
const TERMINAL = { id: "openclaw-tui", mode: "ui" };
const DEVICE_CLI = { id: "cli", mode: "cli" };
const OPENED_AT_ONCE = 10;

const pools = new Map();
const devices = new Map();

/** The one device of this load generator at a gateway; its first connection pairs it. */
function deviceOf(url) {
  if (!devices.has(url)) devices.set(url, makeDevice());
  return devices.get(url);
}

/** The kinds of client a command may ask for; each connection of a `ui` adds to the presence list. */
function clientOptions(command) {
  const { url, token, caps, scopes = ["operator.read"] } = command;
  const shared = { url, token, caps, scopes };
  if (command.kind === "ui") return { ...shared, client: TERMINAL, device: makeDevice() };
  if (command.kind === "device") return { ...shared, client: DEVICE_CLI, device: deviceOf(url) };
  return { ...shared, client: BACKEND };
}

/** Open `count` clients under the name `pool`. */
async function openPool(command) {
  const clients = [];
  while (clients.length < command.count) {
    const size = Math.min(OPENED_AT_ONCE, command.count - clients.length);
    const batch = Array.from({ length: size }, () => new Client(clientOptions(command)));
    await Promise.all(batch.map((client) => client.open()));
    clients.push(...batch);
  }
  pools.set(command.pool, clients);
  return { opened: clients.length };
}

/** Close what `openPool` opened. */
async function closePool(command) {
  const clients = pools.get(command.pool) ?? [];
  pools.delete(command.pool);
  await Promise.all(clients.map((client) => client.close()));
  return { closed: clients.length };
}

/** The clients of a pool. */
function poolOf(name) {
  const clients = pools.get(name);
  if (!clients) throw new Error(`no pool named ${name}`);
  return clients;
}

module.exports = { clientOptions, closePool, openPool, poolOf };
