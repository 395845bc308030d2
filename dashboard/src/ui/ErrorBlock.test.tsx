import { render, screen } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { expect, it } from "vitest";
import { ErrorBlock } from "@/ui/ErrorBlock";

const frame = (file: string, in_app: boolean) => ({ file, line: 1, function: "f", code: `in ${file}`, in_app });

it("shows own code, folds the library's, and tells the cause", () => {
  const cause = { type: "OSError", message: "gone", retryable: true, frames: [], cause: null };
  const frames = [frame("app.py", true), frame("lib1.py", false), frame("lib2.py", false)];
  render(<ErrorBlock error={{ type: "Refused", message: "no", retryable: false, frames, cause }} />);
  expect(screen.getByText("in app.py")).toBeTruthy();
  expect(screen.getByText("2 library frames").closest("details")?.open).toBe(false);
  expect(screen.getByText("OSError")).toBeTruthy();
  expect(screen.getByText("not retryable")).toBeTruthy();
});

it("cuts a long message until somebody asks for all of it", async () => {
  const error = { type: "Refused", message: "no ".repeat(2000), retryable: false, frames: [], cause: null };
  render(<ErrorBlock error={error} />);
  const message = screen.getByText(/no no no/).closest("p");
  expect(message?.className).toContain("line-clamp-12");
  await userEvent.click(screen.getByRole("button", { name: "Show all" }));
  expect(message?.className).not.toContain("line-clamp");
  await userEvent.click(screen.getByRole("button", { name: "Show less" }));
  expect(message?.className).toContain("line-clamp-12");
});

it("has nothing more to show of a short message", () => {
  render(<ErrorBlock error={{ type: "Refused", message: "no", retryable: false, frames: [], cause: null }} />);
  expect(screen.queryByRole("button", { name: "Show all" })).toBe(null);
});
