// Reads messages as the gateway stores them into what this page shows; it keeps none.

const STOPPED = new Set(["aborted", "rpc"]);

/**
 * @returns {{id, seq, runId, role, text, tools, timestampMs, error, stopped}} `runId` of a user's
 *   message is the idempotency key it was sent with
 */
export function readMessage(message) {
  const own = message.__openclaw ?? {};
  const key = own.idempotencyKey ?? message.idempotencyKey;
  return {
    id: own.id,
    seq: own.seq,
    runId: own.runId ?? key?.replace(/:(user|assistant)$/, ""),
    role: message.role,
    text: textOf(message.content),
    tools: toolsOf(message.content),
    timestampMs: message.timestamp,
    error: message.errorMessage || (message.stopReason === "error" ? message.stopReason : null),
    stopped: Boolean(message.openclawAbort) || STOPPED.has(message.stopReason),
  };
}

export function textOf(content) {
  if (typeof content === "string") return content;
  if (!Array.isArray(content)) return "";
  const parts = content.filter((part) => part?.type === "text" && typeof part.text === "string");
  return parts.map((part) => part.text).join("\n\n");
}

function toolsOf(content) {
  if (!Array.isArray(content)) return [];
  return content.filter((part) => part?.type === "toolCall").map((part) => String(part.name));
}
