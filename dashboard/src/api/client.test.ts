import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { apiUrl, basePath, read, segment, send } from "@/api/client";
import type { Problem } from "@/api/problem";
import { Raw } from "@/pure/wire";

const base = document.createElement("base");

beforeEach(() => {
  base.href = "http://example.test/ops/mulligan/";
  document.head.append(base);
});
afterEach(() => {
  base.remove();
  vi.unstubAllGlobals();
});

function answer(body: string, init: ResponseInit = {}) {
  const fetched = vi.fn(async (_url: string, _init: RequestInit) => new Response(body, init));
  vi.stubGlobal("fetch", fetched);
  return fetched;
}

const failure = (promise: Promise<unknown>): Promise<Problem> =>
  promise.then(
    () => Promise.reject(new Error("it succeeded")),
    (error: unknown) => error as Problem,
  );

describe("addresses", () => {
  it("stay under the path prefix", () => {
    expect(basePath()).toBe("/ops/mulligan/");
    expect(apiUrl("runs", { q: "status:failed error:~a b", cursor: null, limit: 50 })).toBe(
      "http://example.test/ops/mulligan/api/v1/runs?q=status%3Afailed+error%3A%7Ea+b&limit=50",
    );
  });

  it("quote names that are free text", () => {
    expect(apiUrl(`workflows/${segment("a/b c?")}`)).toContain("/workflows/a%2Fb%20c%3F");
  });
});

describe("calls", () => {
  it("keep payloads exact in both directions", async () => {
    const fetched = answer('{"input": {"id": 1152921504606846977}}');
    expect(await read("runs/r")).toEqual({ input: '{"id": 1152921504606846977}' });
    await send("POST", "runs", { input: new Raw("1.0") });
    expect(fetched.mock.calls[1]?.[1]).toMatchObject({ method: "POST", body: '{"input":1.0}' });
  });

  it("mark unsafe requests, so that a foreign page cannot make them", async () => {
    const fetched = answer("", { status: 204 } as ResponseInit);
    fetched.mockImplementation(async () => new Response(null, { status: 204 }));
    expect(await send("DELETE", "session")).toBeUndefined();
    expect(fetched.mock.calls[0]?.[1].headers).toMatchObject({ "X-Mulligan": "1" });
  });

  it("carry the server's own words", async () => {
    const body = {
      title: "Invalid input",
      status: 422,
      code: "invalid_input",
      detail: "The edit breaks a rule.",
      problems: [{ where: "step summary input", path: "/doc/lang", rule: 'must be one of "en", "fr"' }],
    };
    answer(JSON.stringify(body), { status: 422 });
    const problem = await failure(read("runs"));
    expect(problem).toMatchObject({ status: 422, code: "invalid_input", message: "The edit breaks a rule." });
    expect(problem.rules).toEqual(body.problems);
    expect(problem.isPassing).toBe(false);
  });

  it("explain an answer that is no problem document", async () => {
    answer("<html>bad gateway</html>", { status: 502, statusText: "Bad Gateway" });
    const problem = await failure(read("runs"));
    expect(problem.title).toBe("Bad Gateway");
    expect(problem.message).toContain("502");
    expect(problem.isPassing).toBe(true);
  });

  it("say when nobody answers", async () => {
    vi.stubGlobal("fetch", () => Promise.reject(new TypeError("Failed to fetch")));
    expect(await failure(read("runs"))).toMatchObject({ code: "unreachable", status: 0, isPassing: true });
  });
});
