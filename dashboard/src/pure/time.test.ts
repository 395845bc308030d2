import { describe, expect, it } from "vitest";
import { axisLabels, elapsed, formatAgo, formatClock, formatDuration, formatMinute } from "@/pure/time";

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

describe("axisLabels", () => {
  it.each([
    [140, 20, "0ms 20ms 40ms 60ms 80ms 100ms 120ms 140ms"],
    [200, 50, "0ms 50ms 100ms 150ms 200ms"],
    [1000, 200, "0.0s 0.2s 0.4s 0.6s 0.8s 1.0s"],
    [3_000, 1_000, "0s 1s 2s 3s"],
    [90_000, 30_000, "0s 30s 60s 90s"],
    [180_000, 60_000, "0m 1m 2m 3m"],
    [86_400_000, 43_200_000, "0h 12h 24h"],
    [172_800_000, 86_400_000, "0d 1d 2d"],
  ])("up to %d ms in steps of %d ms: %s", (last, step, words) => {
    const moments = Array.from({ length: last / step + 1 }, (_, index) => index * step);
    expect(axisLabels(moments).join(" ")).toBe(words);
  });

  it("has one for a single moment", () => expect(axisLabels([0])).toEqual(["0s"]));
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
