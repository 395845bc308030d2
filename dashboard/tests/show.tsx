import { QueryClientProvider } from "@tanstack/react-query";
import {
  createMemoryHistory,
  createRootRoute,
  createRoute,
  createRouter,
  Outlet,
  RouterProvider,
} from "@tanstack/react-router";
import { render } from "@testing-library/react";
import { vi } from "vitest";
import { makeQueryClient } from "@/api/queries";
import { parseAnswer } from "@/pure/wire";

export interface Asked {
  method: string;
  path: string;
  body: string;
  headers: Record<string, string>;
}

/** Answers instead of a server: `"POST runs/r/replay"` -> JSON text, or a status with its text. */
export type Answers = Record<string, string | [number, string] | ((body: string) => string | [number, string])>;

export function answerWith(answers: Answers): Asked[] {
  const asked: Asked[] = [];
  vi.stubGlobal("fetch", async (url: string, init: RequestInit) => {
    const path = new URL(url).pathname.replace(/^.*\/api\/v1\//, "");
    const method = init.method ?? "GET";
    const body = String(init.body ?? "");
    asked.push({ method, path, body, headers: init.headers as Record<string, string> });
    const answer = answers[`${method} ${path}`];
    const given = typeof answer === "function" ? answer(body) : (answer ?? [404, "{}"]);
    const [status, text] = typeof given === "string" ? [200, given] : given;
    return new Response(text, { status });
  });
  return asked;
}

/** A part of a page inside what every page has: queries and an address. Answers where it is. */
export function show(part: React.ReactNode): () => string {
  const root = createRootRoute({ component: Outlet });
  const history = createMemoryHistory({ initialEntries: ["/"] });
  const here = createRoute({ getParentRoute: () => root, path: "/", component: () => part });
  const elsewhere = createRoute({ getParentRoute: () => root, path: "$", component: () => null });
  const router = createRouter({ routeTree: root.addChildren([here, elsewhere]), history });
  render(
    <QueryClientProvider client={makeQueryClient()}>
      <RouterProvider router={router as never} />
    </QueryClientProvider>,
  );
  return () => history.location.href;
}

/** A shape as it comes out of an answer, so that tests write payloads as the server does. */
export function shapeOf<T>(text: string): T {
  return parseAnswer(text) as T;
}
