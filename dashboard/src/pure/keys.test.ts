// @vitest-environment happy-dom
import { expect, it } from "vitest";
import { isTyping, matchKeys, type Press, paletteKeys } from "@/pure/keys";

const SHORTCUTS = ["g r", "g w", "r", "?"].map((keys) => ({ keys }));

function type(...presses: [string, number][]): string[] {
  const found: string[] = [];
  let pending: Press[] = [];
  for (const [key, at] of presses) {
    const matched = matchKeys(SHORTCUTS, pending, { key, at });
    pending = matched.pending;
    if (matched.shortcut) found.push(matched.shortcut.keys);
  }
  return found;
}

it("knows single keys and sequences", () => {
  expect(type(["r", 0], ["g", 10], ["w", 200], ["?", 300])).toEqual(["r", "g w", "?"]);
});

it("forgets the beginning of a sequence after a second", () => {
  expect(type(["g", 0], ["r", 1_500])).toEqual(["r"]);
});

it("starts again with a key that does not go on", () => {
  expect(type(["g", 0], ["x", 10], ["r", 20])).toEqual(["r"]);
  expect(type(["g", 0], ["g", 10], ["r", 20])).toEqual(["g r"]);
});

it("prefers what was registered last", () => {
  const page = { keys: "r", from: "page" };
  const drawer = { keys: "r", from: "drawer" };
  expect(matchKeys([page, drawer], [], { key: "r", at: 0 }).shortcut).toBe(drawer);
});

it("knows where keys write text", () => {
  const input = document.createElement("input");
  expect(isTyping(input)).toBe(true);
  input.type = "checkbox";
  expect(isTyping(input)).toBe(false);
  expect(isTyping(document.createElement("textarea"))).toBe(true);
  expect(isTyping(document.createElement("button"))).toBe(false);
});

it.each([
  ["MacIntel", "⌘ K"],
  ["iPhone", "⌘ K"],
  ["Linux x86_64", "Ctrl K"],
  ["Win32", "Ctrl K"],
  ["", "Ctrl K"],
])("names the keys of the command palette on %s", (platform, keys) => {
  expect(paletteKeys(platform)).toBe(keys);
});
