/** The one way to the server: base path, cookie, headers and errors are settled here. */

import { Problem, problemOf, unreachable } from "@/api/problem";
import { parseAnswer, writeRequest } from "@/pure/wire";

/** Any value of a query string; `null` and `undefined` are left out. */
export type Parameters = Record<string, string | number | null | undefined>;

/** The path prefix that this page is served under, with a slash at both ends. */
export function basePath(): string {
  return new URL(".", document.baseURI).pathname;
}

export function apiUrl(path: string, parameters: Parameters = {}): string {
  const url = new URL(`api/v1/${path}`, document.baseURI);
  for (const [name, value] of Object.entries(parameters)) {
    if (value !== null && value !== undefined && value !== "") url.searchParams.set(name, String(value));
  }
  return url.href;
}

/** One path segment: step and workflow names are free text. */
export function segment(name: string): string {
  return encodeURIComponent(name);
}

async function call(url: string, init: RequestInit): Promise<Response> {
  let response: Response;
  try {
    response = await fetch(url, { credentials: "same-origin", ...init });
  } catch (cause) {
    if (init.signal?.aborted) throw cause;
    throw unreachable(cause, init.method === undefined || init.method === "GET");
  }
  if (!response.ok) throw await problemOf(response);
  return response;
}

/** A GET. Payload members of the answer arrive as exact text. */
export async function read<T>(path: string, parameters?: Parameters, signal?: AbortSignal): Promise<T> {
  const response = await call(apiUrl(path, parameters), {
    headers: { Accept: "application/json" },
    ...(signal ? { signal } : {}),
  });
  return parseAnswer(await response.text()) as T;
}

/** Something that changes state. `Raw` members of the body go out to the letter. */
export async function send<T>(
  method: "POST" | "PUT" | "DELETE",
  path: string,
  body?: unknown,
  headers: Record<string, string> = {},
  signal?: AbortSignal,
): Promise<T> {
  const response = await call(apiUrl(path), {
    method,
    headers: {
      Accept: "application/json",
      "X-Mulligan": "1",
      ...(body === undefined ? {} : { "Content-Type": "application/json" }),
      ...headers,
    },
    ...(body === undefined ? {} : { body: writeRequest(body) }),
    ...(signal ? { signal } : {}),
  });
  const text = await response.text();
  return (text === "" ? undefined : parseAnswer(text)) as T;
}

/** What browsers say when a part of the program is not where it was when the page was opened. */
const CHUNK_IS_GONE = /dynamically imported module|module script failed|preload CSS/i;

export function problemFrom(error: unknown): Problem {
  if (error instanceof Problem) return error;
  const message = error instanceof Error ? error.message : String(error);
  if (CHUNK_IS_GONE.test(message)) {
    return new Problem(
      0,
      "outdated",
      "A part of this page could not be loaded",
      "The server does not answer, or was updated since the page was opened. Try again; when it answers and that does not help, reload the page: what was not sent is lost then.",
    );
  }
  return new Problem(
    0,
    "dashboard",
    "The dashboard made a mistake",
    `${message}. Reload the page; if it happens again, report it.`,
  );
}
