import { expect, it } from "vitest";
import type { Group } from "@/api/contract";
import { noteInWords, replaysInWords, runsInWords, versionsInWords } from "@/screens/inbox/words";

const NOTE: NonNullable<Group["note"]> = {
  status: "snoozed",
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

it("says what somebody last said of a group", () => {
  const said = (status: "open" | "snoozed" | "resolved", note: Partial<typeof NOTE>) =>
    noteInWords({ status, note: { ...NOTE, ...note } }, (at) => `<${at}>`);
  expect(noteInWords({ status: "open", note: null }, String)).toBe("");
  expect(said("snoozed", { until_more: 10 })).toBe("snoozed by ada · until 10 more fail");
  expect(said("snoozed", { until_at: "x", until_version: true })).toBe(
    "snoozed by ada · until <x> or until a new version fails",
  );
  expect(said("open", { status: "open" })).toBe("reopened by ada");
  expect(said("open", { status: "open", note: "I look at it" })).toBe("noted by ada · “I look at it”");
  expect(said("open", { status: "resolved", note: "fixed" })).toBe("was resolved by ada · “fixed”");
});
