import { expect, it } from "vitest";
import { noteInWords, replaysInWords, runsInWords, versionsInWords } from "@/screens/inbox/words";

const NOTE = {
  status: "snoozed" as const,
  at: "2026-11-22T12:00:00Z",
  actor: "ada",
  note: "",
  until_at: null,
  until_more: null,
  until_version: false,
};

it("says how much is broken and what was tried", () => {
  expect(runsInWords(1)).toBe("1 run");
  expect(runsInWords(1204)).toBe("1,204 runs");
  expect(versionsInWords([{ number: 14, digest: "a" }])).toBe("v14 only");
  expect(
    versionsInWords([
      { number: 14, digest: "a" },
      { number: null, digest: "0f" },
    ]),
  ).toBe("v14, 0f");
  expect(replaysInWords({ replayed: 0, recovered: 0 })).toBe("none replayed yet");
  expect(replaysInWords({ replayed: 6, recovered: 2 })).toBe("2 of 6 replayed succeeded");
});

it("says when a snooze ends", () => {
  const instant = (at: string) => `<${at}>`;
  expect(noteInWords({ ...NOTE, until_more: 10 }, instant)).toBe("snoozed by ada · until 10 more fail");
  expect(noteInWords({ ...NOTE, until_at: "x", until_version: true }, instant)).toBe(
    "snoozed by ada · until <x> or until a new version fails",
  );
  expect(noteInWords({ ...NOTE, status: "open", note: "not fixed" }, instant)).toBe("reopened by ada · “not fixed”");
});
