// The `connect` request of this page: who it says it is and what it signs; it opens nothing.

const CLIENT = { id: "webchat-ui", version: "1.0.0", platform: "web", mode: "webchat" };
const ROLE = "operator";
const SCOPES = ["operator.read", "operator.write", "operator.approvals", "operator.pairing"];

/** The text a device signs, third version: fields joined by "|", an absent device family empty. */
export function signatureText({ deviceId, signedAt, token, nonce }) {
  const family = "";
  return [
    "v3", deviceId, CLIENT.id, CLIENT.mode, ROLE, SCOPES.join(","),
    signedAt, token, nonce, CLIENT.platform, family,
  ].join("|");
}

/**
 * The parameters of `connect`.
 * @param challenge payload of `connect.challenge`: `nonce` and `ts` in milliseconds
 * @param identity `{deviceId, publicKey, sign(text)}`
 * @param auth `{bootstrapToken}` or `{deviceToken}`
 */
export async function connectParams({ challenge, identity, auth, locale, instanceId }) {
  const signedAt = challenge.ts;
  const token = auth.deviceToken ?? auth.bootstrapToken ?? "";
  const text = signatureText({ deviceId: identity.deviceId, signedAt, token, nonce: challenge.nonce });
  return {
    minProtocol: 4,
    maxProtocol: 4,
    client: { ...CLIENT, instanceId },
    role: ROLE,
    scopes: SCOPES,
    caps: [],
    auth,
    locale,
    device: {
      id: identity.deviceId,
      publicKey: identity.publicKey,
      signature: await identity.sign(text),
      signedAt,
      nonce: challenge.nonce,
    },
  };
}
