import assert from "node:assert/strict";
import test from "node:test";

import { Transcript } from "../../../openclaw/http/chat/transcript.js";

let counter = 0;

function stored(role, text, runId, seq, more = {}) {
  const content = [{ type: "text", text }];
  return { role, content, timestamp: 10, __openclaw: { id: `m${seq}`, seq, runId }, ...more };
}

function delta(runId, text, seq = (counter += 1)) {
  return { runId, seq, state: "delta", message: { content: [{ type: "text", text }] } };
}

function final(runId, text, state = "final") {
  const message = text === undefined ? undefined : { content: [{ type: "text", text }] };
  return { runId, seq: (counter += 1), state, message };
}

const entry = (key, text) => ({ key, text, createdAtMs: 5, state: "queued" });
const shown = (transcript, waiting) =>
  transcript.items(waiting).map(({ role, text }) => `${role[0]}:${text}`);

function read(transcript, messages, more = {}) {
  transcript.applyHistory({ messages, ...more }, transcript.stamp());
}

test("a message is shown once while it goes from the outbox into the history", () => {
  const transcript = new Transcript();
  const sent = entry("k", "hi");
  assert.deepEqual(shown(transcript, [sent]), ["u:hi"]);
  transcript.accept(sent, false);
  assert.deepEqual(shown(transcript, [sent]), ["u:hi"]);
  assert.deepEqual(shown(transcript), ["u:hi"]);
  read(transcript, [stored("user", "hi", "k", 1)]);
  assert.deepEqual(shown(transcript, [sent]), ["u:hi"]);
});

test("its place on the page is the same all the way", () => {
  const transcript = new Transcript();
  const keys = [];
  const note = (waiting) => keys.push(transcript.items(waiting)[0].key);
  note([entry("k", "hi")]);
  transcript.accept(entry("k", "hi"), true);
  note();
  read(transcript, [stored("user", "hi", "k", 1)]);
  note();
  assert.deepEqual(new Set(keys), new Set(["u:k"]));
});

test("the key of the original gateway is recognised too", () => {
  const transcript = new Transcript();
  const __openclaw = { id: "1", seq: 1 };
  read(transcript, [{ role: "user", content: "hi", idempotencyKey: "k:user", __openclaw }]);
  assert.deepEqual(shown(transcript, [entry("k", "hi")]), ["u:hi"]);
});

test("an answer streams, ends and is replaced by the stored one without a double", () => {
  const transcript = new Transcript();
  transcript.accept(entry("k", "hi"), true);
  assert.deepEqual(shown(transcript), ["u:hi", "a:"]);
  transcript.applyChat(delta("k", "Hel"));
  transcript.applyChat(delta("k", "Hello"));
  assert.deepEqual(shown(transcript), ["u:hi", "a:Hello"]);
  assert.equal(transcript.activeRuns.length, 1);
  assert.equal(transcript.applyChat(final("k", "Hello!")), true);
  assert.equal(transcript.activeRuns.length, 0);
  assert.deepEqual(shown(transcript), ["u:hi", "a:Hello!"]);
  read(transcript, [stored("user", "hi", "k", 1), stored("assistant", "Hello!", "k", 2)]);
  assert.deepEqual(shown(transcript), ["u:hi", "a:Hello!"]);
});

test("pieces without the whole text are joined", () => {
  const transcript = new Transcript();
  for (const deltaText of ["a", "b"]) transcript.applyChat({ runId: "k", state: "delta", deltaText });
  assert.deepEqual(shown(transcript), ["a:ab"]);
  transcript.applyChat({ runId: "k", state: "delta", deltaText: "c", replace: true });
  assert.deepEqual(shown(transcript), ["a:c"]);
});

test("what arrives after the end changes nothing", () => {
  const transcript = new Transcript();
  transcript.applyChat(final("k", "done"));
  assert.equal(transcript.applyChat(delta("k", "late")), false);
  assert.equal(transcript.applyChat(final("k", "again")), false);
  assert.deepEqual(shown(transcript), ["a:done"]);
});

test("a reading asked for before an acknowledgement does not take the message away", () => {
  const transcript = new Transcript();
  const asOf = transcript.stamp();
  transcript.accept(entry("k", "hi"), true);
  transcript.applyHistory({ messages: [], sessionInfo: { activeRunIds: [] } }, asOf);
  assert.deepEqual(shown(transcript), ["u:hi", "a:"]);
});

test("a reading asked for before an answer ended does not take the answer away", () => {
  const transcript = new Transcript();
  transcript.applyChat(delta("k", "Hel"));
  const asOf = transcript.stamp();
  transcript.applyChat(final("k", "Hello"));
  transcript.applyHistory({ messages: [], sessionInfo: { activeRunIds: [] } }, asOf);
  assert.deepEqual(shown(transcript), ["a:Hello"]);
});

test("an answer whose end was missed is completed from the history", () => {
  const transcript = new Transcript();
  transcript.applyChat(delta("k", "Hel"));
  const messages = [stored("user", "hi", "k", 1), stored("assistant", "Hello!", "k", 2)];
  read(transcript, messages, { sessionInfo: { activeRunIds: [] } });
  assert.deepEqual(shown(transcript), ["u:hi", "a:Hello!"]);
  assert.equal(transcript.activeRuns.length, 0);
});

test("an answer still being written goes on after a reading", () => {
  const transcript = new Transcript();
  transcript.applyChat(delta("k", "Hel"));
  read(transcript, [stored("user", "hi", "k", 1)], { sessionInfo: { activeRunIds: ["k"] } });
  assert.deepEqual(shown(transcript), ["u:hi", "a:Hel"]);
  transcript.applyChat(delta("k", "Hello"));
  assert.deepEqual(shown(transcript), ["u:hi", "a:Hello"]);
});

test("a run that ended without an answer is marked, an empty one vanishes", () => {
  const transcript = new Transcript();
  transcript.applyChat(delta("k", "Hel"));
  transcript.accept(entry("l", "two"), true);
  read(transcript, [stored("user", "hi", "k", 1), stored("user", "two", "l", 2)], {
    sessionInfo: { hasActiveRun: false },
  });
  assert.deepEqual(shown(transcript), ["u:hi", "a:Hel", "u:two"]);
  assert.equal(transcript.items()[1].lost, true);
});

test("an answer stands behind its own message, whatever was stored in between", () => {
  const transcript = new Transcript();
  read(transcript, [
    stored("user", "one", "k", 1),
    stored("user", "two", "l", 2),
    stored("assistant", "first", "k", 3),
    stored("assistant", "second", "l", 4),
  ]);
  assert.deepEqual(shown(transcript), ["u:one", "a:first", "u:two", "a:second"]);
});

test("of several waiting answers only the next one is seen thinking", () => {
  const transcript = new Transcript();
  transcript.accept(entry("k", "one"), true);
  transcript.accept(entry("l", "two"), true);
  assert.deepEqual(shown(transcript), ["u:one", "a:", "u:two"]);
});

test("a stored message told by an event takes its place by number and is not doubled", () => {
  const transcript = new Transcript();
  read(transcript, [stored("user", "one", "k", 1), stored("user", "three", "m", 3)]);
  const message = stored("user", "two", "l", 2);
  transcript.applyMessage({ message, messageId: "m2", messageSeq: 2 });
  transcript.applyMessage({ message, messageId: "m2", messageSeq: 2 });
  assert.deepEqual(shown(transcript), ["u:one", "u:two", "u:three"]);
});

test("a message told while a history was on its way is kept", () => {
  const transcript = new Transcript();
  const asOf = transcript.stamp();
  transcript.applyMessage({ message: stored("user", "two", "l", 2) });
  transcript.applyHistory({ messages: [stored("user", "one", "k", 1)] }, asOf);
  assert.deepEqual(shown(transcript), ["u:one", "u:two"]);
});

test("inputs the gateway has not begun with are shown from its list", () => {
  const transcript = new Transcript();
  transcript.accept(entry("k", "one"), true);
  const pendingInputs = { items: [{ runId: "k", text: "one", acceptedAt: 7 }], total: 1 };
  read(transcript, [], { pendingInputs, sessionInfo: { activeRunIds: [] } });
  assert.deepEqual(shown(transcript), ["u:one"]);
  read(transcript, [stored("user", "one", "k", 1)]);
  assert.deepEqual(shown(transcript), ["u:one"]);
});

test("a failed run shows the gateway's words beside what was written", () => {
  const transcript = new Transcript();
  transcript.applyChat(delta("k", "Hel"));
  transcript.applyChat({ runId: "k", seq: 999, state: "error", errorMessage: "overloaded" });
  const [item] = transcript.items();
  assert.deepEqual([item.text, item.error], ["Hel", "overloaded"]);
});

test("a failure that is stored too is shown once", () => {
  const transcript = new Transcript();
  transcript.applyChat({ runId: "k", seq: 999, state: "error", errorMessage: "overloaded" });
  const failure = { stopReason: "error", errorMessage: "overloaded" };
  transcript.applyMessage({ message: stored("assistant", "", "k", 2, failure) });
  assert.deepEqual(transcript.items().map(({ error }) => error), ["overloaded"]);
});

test("a stopped answer is marked as stopped, before and after it is stored", () => {
  const transcript = new Transcript();
  transcript.applyChat(delta("k", "Hel"));
  transcript.applyChat(final("k", "Hel", "aborted"));
  assert.equal(transcript.items()[0].stopped, true);
  read(transcript, [stored("assistant", "Hel", "k", 1, { stopReason: "aborted" })]);
  assert.equal(transcript.items()[0].stopped, true);
});

test("tools are named, their results are not shown", () => {
  const transcript = new Transcript();
  const call = { type: "toolCall", id: "t", name: "read", arguments: {} };
  const mark = (seq) => ({ id: `m${seq}`, seq, runId: "k" });
  read(transcript, [
    { role: "assistant", content: [call], __openclaw: mark(1) },
    { role: "toolResult", content: "secret", __openclaw: mark(2) },
    stored("assistant", "done", "k", 3),
  ]);
  const items = transcript.items();
  assert.deepEqual(items.map(({ text, tools }) => [text, tools]), [["", ["read"]], ["done", []]]);
  assert.equal(new Set(items.map(({ key }) => key)).size, 2);
});
