import { render, screen } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { expect, it, vi } from "vitest";
import { Histogram } from "@/screens/runs/Histogram";

const HOUR = 3600;
const at = (hour: number) => new Date(Date.UTC(2026, 0, 1, hour)).toISOString();
const counts = {
  width_s: HOUR,
  searched_to: null,
  buckets: [0, 1, 2, 3].map((hour) => ({ at: at(hour), counts: hour === 2 ? { failed: 3, succeeded: 1 } : {} })),
};

it("asks for a span of time that was chosen with the keyboard", async () => {
  const onSpan = vi.fn();
  render(<Histogram counts={counts} onSpan={onSpan} />);
  const bars = screen.getByRole("slider", { name: /Runs over time/ });
  expect(bars.getAttribute("aria-valuetext")).toBe("4 runs, the busiest 60 minutes have 4");
  bars.focus();
  await userEvent.keyboard("{Enter}");
  expect(onSpan).not.toHaveBeenCalled();
  await userEvent.keyboard("{ArrowLeft}{ArrowLeft}{Shift>}{ArrowLeft}{/Shift}");
  expect(bars.getAttribute("aria-valuetext")).toContain("3 failed, 1 succeeded");
  await userEvent.keyboard("{Enter}");
  expect(onSpan).toHaveBeenCalledExactlyOnceWith(at(1), at(3));
  await userEvent.keyboard("{Home}{Escape}{Enter}");
  expect(onSpan).toHaveBeenCalledOnce();
});

it("says of what time it knows nothing", () => {
  render(<Histogram counts={{ ...counts, searched_to: at(1) }} onSpan={vi.fn()} />);
  expect(screen.getAllByTitle(/: not searched$/)).toHaveLength(1);
  expect(screen.getAllByTitle(/: no runs$/)).toHaveLength(2);
  expect(screen.getByRole("slider").getAttribute("aria-valuetext")).toContain("; not searched before ");
});
