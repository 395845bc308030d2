import { expect, it } from "vitest";
import { formatSearch, parseSearch } from "@/pure/path";

it("writes a query so that people can read it, and reads it back", () => {
  const q = 'status:failed error:~"a & b" input.x:>1 note:é#+';
  const search = formatSearch({ q, tab: undefined, empty: "" });
  expect(search.startsWith("?q=status:failed+error:~")).toBe(true);
  expect(parseSearch(search)).toEqual({ q });
});

it("is nothing when there is nothing to say", () => {
  expect(formatSearch({ q: "" })).toBe("");
});
