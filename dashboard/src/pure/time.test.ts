import { describe, expect, it } from "vitest";
import { elapsed, formatAgo, formatClock, formatDuration, formatMinute } from "@/pure/time";

describe("formatDuration", () => {
  it.each([
    [0, "0ms"],
    [-5, "0ms"],
    [45.4, "45ms"],
    [320, "0.3s"],
    [9_949, "9.9s"],
    [9_960, "10s"],
    [41_000, "41s"],
    [59_700, "1m"],
    [192_000, "3m 12s"],
    [3_599_900, "60m"],
    [7_500_000, "2h 5m"],
    [86_400_000, "1d"],
    [273_600_000, "3d 4h"],
  ])("%d ms is %s", (ms, words) => {
    expect(formatDuration(ms)).toBe(words);
  });
});

describe("formatAgo", () => {
  const now = Date.parse("2026-11-22T12:00:00Z");
  it.each([
    ["2026-11-22T11:59:59Z", "just now"],
    ["2026-11-22T11:59:48Z", "12s ago"],
    ["2026-11-22T11:00:01Z", "59m ago"],
    ["2026-11-22T09:00:00Z", "3h ago"],
    ["2026-11-20T12:00:00Z", "2d ago"],
    ["2026-11-22T12:03:10Z", "in 3m"],
  ])("%s is %s", (at, words) => {
    expect(formatAgo(at, now)).toBe(words);
  });

  it("shows the date beyond a week", () => {
    expect(formatAgo("2026-01-02T12:00:00Z", now)).toContain("2026");
  });
});

it("counts up to now while something still runs", () => {
  expect(elapsed("2026-11-22T12:00:00Z", null, Date.parse("2026-11-22T12:00:05Z"))).toBe(5000);
  expect(elapsed("2026-11-22T12:00:00Z", "2026-11-22T12:00:01Z", 0)).toBe(1000);
  expect(elapsed(null, null, 0)).toBeNull();
});

it("writes the ends of an axis without seconds", () => {
  expect(formatMinute("2026-11-22T12:00:05Z")).not.toContain(":05");
});

it("writes log times with milliseconds", () => {
  expect(formatClock("2026-11-22T12:00:05.007Z")).toMatch(/^\d\d:\d\d:05\.007$/);
});
