// Requests to the service that this page came from, and to no other.
// @ts-check

const STREAM = "application/x-ndjson";
const TRIES = 12;
let token = "";
let askForToken = null;

/** Take the token, or the one-time code for it, from the address; remember how to ask for a token. */
export async function prepare(ask) {
  askForToken = ask;
  const [, kind, text] = /^#(token|code)=(.+)$/.exec(location.hash) ?? [];
  if (!kind) return;
  history.replaceState(null, "", location.pathname);
  if (kind === "token") {
    token = decodeURIComponent(text);
    return;
  }
  const answer = await fetch("/api/enter", { method: "POST", body: text, cache: "no-store", credentials: "omit" });
  if (answer.ok) token = (await answer.json()).token; // where the code is used up, the token is asked for
}

/** An error reported by the service: `problem` has title, detail, hint and exit_code. */
export class ServiceError extends Error {
  constructor(problem, status = problem.status) {
    super(problem.detail);
    this.problem = problem;
    this.status = status;
  }
}

/** Whether the browser can still read a chosen file. */
const readable = (file) => file.slice(0, 1).arrayBuffer().then(() => true, () => false);

/** The headers that show the token. @returns {Record<string, string>} */
export const authorization = () => (token ? { Authorization: `Bearer ${token}` } : {});

/** Ask for another token; whether one was given. */
export async function renewToken() {
  const given = await askForToken();
  if (given) token = given;
  return Boolean(given);
}

async function send(path, options, headers = {}) {
  for (let tries = 1; ; tries += 1) {
    let response;
    try {
      response = await fetch(path, {
        ...options, cache: "no-store", credentials: "omit",
        headers: { ...headers, ...authorization() },
      });
    } catch (error) {
      if (error.name === "AbortError") throw error;
      const file = options.body?.get("photo");
      if (file && !await readable(file)) {
        throw new ServiceError({
          title: "The file cannot be read", detail: "it has been moved, changed or removed since it was chosen",
          hint: "choose it again",
        }, 0);
      }
      throw new ServiceError({
        title: "The service does not answer", detail: "it was stopped, or the connection broke",
        hint: "start it again, and reload this page",
      }, 0);
    }
    if (response.ok) return response;
    if (response.status === 503 && tries < TRIES) {
      await pause(1000 * Number(response.headers.get("Retry-After") ?? 3), options.signal);
      continue;
    }
    const unknown = { title: "That did not work", detail: `the service answered ${response.status}` };
    const problem = await response.json().catch(() => unknown);
    if (response.status === 401 && tries < TRIES && await renewToken()) continue;
    throw new ServiceError(problem, response.status);
  }
}

export function pause(milliseconds, signal) {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(resolve, milliseconds);
    const stop = () => { clearTimeout(timer); reject(new DOMException("", "AbortError")); };
    signal?.addEventListener("abort", stop, { once: true });
  });
}

function form(photo, options) {
  const data = new FormData();
  data.append("photo", photo, "photo");
  if (options) data.append("options", new Blob([JSON.stringify(options)], { type: "application/json" }));
  return data;
}

/** A request without a photo. */
export const ask = async (method, path) => (await send(path, { method })).json();

/** A file of the service. */
export const askFile = async (path, signal) => (await send(path, { method: "GET", signal })).blob();

/** A request about a photo, with a JSON response. */
export const askAbout = async (path, photo, signal, options) =>
  (await send(path, { method: "POST", body: form(photo, options), signal })).json();

/** A request about a photo, with a small picture as the response. */
export const askPicture = async (path, photo, options, signal) =>
  (await send(path, { method: "POST", body: form(photo, options), signal })).blob();

/** Covers of a small picture, side by side: `{ blob, fallbacks }`, with the reason of each that is a mere blur. */
export async function askCovers(photo, options) {
  const response = await send("/api/preview", { method: "POST", body: form(photo, options) });
  const { fallbacks } = JSON.parse(response.headers.get("ProFace-Result") ?? "{}");
  return { blob: await response.blob(), fallbacks: fallbacks ?? [] };
}

/**
 * A long job: returns `{ facts, blob, others }`, where `others` are the blobs of further files, and reports progress to
 * `tell(stage, done, total)`.
 */
export async function work(path, photo, options, { signal, tell }) {
  const response = await send(path, { method: "POST", body: form(photo, options), signal }, { Accept: STREAM });
  const files = [];
  let facts = null;
  let problem = null;
  let ended = false;
  for await (const event of lines(response)) {
    if (event.event === "progress") tell(event.stage, event.done, event.total);
    else if (event.event === "problem") problem = event;
    else if (event.event === "result") facts = event;
    if (event.event === "result" || event.event === "file") files.push({ type: event.media_type, parts: [] });
    else if (event.event === "data") files.at(-1).parts.push(bytes(event.base64));
    else if (event.event === "end") ended = true;
  }
  if (problem) throw new ServiceError(problem);
  if (ended) {
    const [blob, ...others] = files.map(({ type, parts }) => new Blob(parts, { type }));
    return { facts, blob, others };
  }
  throw new ServiceError({
    title: "The response was cut off", detail: "the service stopped in the middle", hint: "try again",
  });
}

async function* lines(response) {
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return;
    const whole = (rest + value).split("\n");
    rest = whole.pop();
    for (const line of whole) yield JSON.parse(line);
  }
}

function bytes(base64) {
  const text = atob(base64);
  const array = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i += 1) array[i] = text.charCodeAt(i);
  return array;
}
