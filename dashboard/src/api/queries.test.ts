import { expect, it, vi } from "vitest";
import { logsQuery, MOST_LINES, makeQueryClient } from "@/api/queries";

/** A server whose step has logged so many lines. */
function logging(count: () => number) {
  return vi.spyOn(globalThis, "fetch").mockImplementation(async (url) => {
    const asked = new URL(String(url)).searchParams;
    const after = Number(asked.get("after") ?? 0);
    const last = Math.min(count(), after + Number(asked.get("limit")));
    const items = Array.from({ length: last - after }, (_, index) => ({ position: after + index + 1 }));
    return new Response(JSON.stringify({ items, last }));
  });
}

it("asks only for the lines that came since, and lets go of the oldest when a step logs for days", async () => {
  let count = 700;
  const fetched = logging(() => count);
  const client = makeQueryClient();
  const read = () => client.fetchQuery({ ...logsQuery("r1", "step", 1), staleTime: 0 });
  expect((await read()).items).toHaveLength(700);
  expect(fetched).toHaveBeenCalledTimes(2);
  count = 701;
  expect(await read()).toMatchObject({ last: 701, dropped: 0 });
  expect(fetched).toHaveBeenCalledTimes(3);
  count = MOST_LINES + 1_000;
  const { items, last, dropped } = await read();
  expect([items.length, last, dropped]).toEqual([MOST_LINES, count, 1_000]);
  expect(items.at(-1)?.position).toBe(count);
});
