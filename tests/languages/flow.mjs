// A video from a script with `fetch` and `eventsource-parser`: `flow.mjs URL FILE`.

import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { writeFile } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { EventSourceParserStream } from "eventsource-parser/stream";

const [url, path] = process.argv.slice(2);
const headers = {
  "X-Skill-Source": "nemovideo-javascript-flow",
  "X-Skill-Version": "1.0.0",
  "X-Skill-Platform": "unknown",
};
const MESSAGE = "Make a voiceover of this script: Hello from JavaScript.";

async function call(method, route, body, more = {}) {
  const json = body && { "Content-Type": "application/json" };
  const init = { method, headers: { ...headers, ...json, ...more }, body: body && JSON.stringify(body) };
  const response = await fetch(url + route, init);
  assert.ok(response.ok, `${method} ${route}: ${response.status}`);
  return response;
}

// Returns the data of an envelope: a code other than 0 is an error also under status 200.
async function data(response) {
  const envelope = await (await response).json();
  assert.equal(envelope.code ?? 0, 0, `error ${envelope.code}: ${envelope.message}`);
  return envelope.data ?? envelope;
}

// Token.
const clientId = { "X-Client-Id": randomUUID() };
const { token } = await data(call("POST", "/api/auth/anonymous-token", undefined, clientId));
headers.Authorization = `Bearer ${token}`;

// Session.
const project = { task_name: "project", language: "en" };
const { session_id: session } = await data(call("POST", "/api/tasks/me/with-session/nemo_agent", project));

// Message: a stream of events, in the form of the agent server.
const message = {
  app_name: "nemo_agent",
  user_id: "me",
  session_id: session,
  new_message: { parts: [{ text: MESSAGE }] },
};
const response = await call("POST", "/run_sse", message, { Accept: "text/event-stream" });
const events = response.body.pipeThrough(new TextDecoderStream()).pipeThrough(new EventSourceParserStream());
const texts = [];
for await (const event of events) {
  if (!event.data.startsWith("{")) continue; // a heartbeat
  const parts = JSON.parse(event.data).content?.parts ?? [];
  texts.push(...parts.flatMap((part) => part.text ?? []));
}
console.log("agent:", texts.join(" ") || "(silent)");

// State, with the draft.
const { state } = await data(call("GET", `/api/state/nemo_agent/me/${session}/latest`));
assert.ok(state.draft.t.some((track) => track.sg?.length), "the draft is empty");

// Render, polled until it is done.
const id = `render_${randomUUID()}`;
const output = { format: "mp4", quality: "high" };
await call("POST", "/api/render/proxy/lambda", { id, sessionId: session, draft: state.draft, output });
let render;
for (let polls = 0; polls < 600; polls++) {
  render = await (await call("GET", `/api/render/proxy/lambda/${id}`)).json();
  if (["completed", "failed"].includes(render.status)) break;
  await sleep(100);
}
assert.equal(render.status, "completed");

// Download, from another host in general: without the token and the attribution.
const video = Buffer.from(await (await fetch(render.output.url)).arrayBuffer());
assert.equal(video.toString("latin1", 4, 8), "ftyp", "not an MP4 file");
await writeFile(path, video);
console.log(`${path}: ${video.length} bytes`);
