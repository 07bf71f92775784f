// The official GatewayClient, driven over pipes: connects, requests, and tells what it hears.
//
// Reports besides answers: {"client", "hello"}, {"client", "event"}, {"client", "closed"},
// {"client", "gap"}, {"client", "failed"}, {"client", "paused"}, {"client", "stored"},
// {"client", "progress", "of"}.

import { createPrivateKey, createPublicKey, sign } from "node:crypto";
import { loadModule, failure, say, serve } from "./lines.mjs";

const { GatewayClient } = await loadModule("@openclaw/gateway-client/dist/index.mjs");

const clients = new Map();
const tokens = new Map();

const rawKey = (pem) =>
  createPublicKey(pem).export({ type: "spki", format: "der" }).subarray(-32).toString("base64url");

const deviceDependencies = (client) => ({
  signDevicePayload: (pem, text) =>
    sign(null, Buffer.from(text), createPrivateKey(pem)).toString("base64url"),
  publicKeyRawBase64UrlFromPem: rawKey,
  loadDeviceAuthToken: ({ deviceId, role }) => tokens.get(`${deviceId}/${role}`) ?? null,
  storeDeviceAuthToken: ({ deviceId, role, token, scopes }) => {
    tokens.set(`${deviceId}/${role}`, { token, scopes });
    say({ client, stored: { role, token, scopes } });
  },
  clearDeviceAuthToken: ({ deviceId, role }) => tokens.delete(`${deviceId}/${role}`),
});

const connect = ({ client, options }) =>
  new Promise((resolve, reject) => {
    const gateway = new GatewayClient({
      ...options,
      hostDeps: options.deviceIdentity ? deviceDependencies(client) : undefined,
      deviceIdentity: options.deviceIdentity ?? null,
      onHelloOk: (hello) => {
        say({ client, hello });
        resolve(hello);
      },
      onConnectError: (error) => {
        say({ client, failed: failure(error) });
        reject(error);
      },
      onReconnectPaused: (paused) => say({ client, paused }),
      onEvent: (event) => say({ client, event }),
      onClose: (code, reason) => say({ client, closed: { code, reason } }),
      onGap: (gap) => say({ client, gap }),
    });
    clients.set(client, gateway);
    gateway.start();
  });

const request = ({ client, method, params, expectFinal, label }) =>
  clients.get(client).request(method, params, {
    expectFinal,
    onAccepted: (progress) => say({ client, progress, of: label }),
  });

const close = async ({ client }) => {
  await clients.get(client).stopAndWait({ timeoutMs: 5000 });
  clients.delete(client);
};

await serve({ connect, request, close }, () =>
  Promise.all([...clients.keys()].map((client) => close({ client }).catch(() => {}))),
);
