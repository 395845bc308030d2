import { render, screen } from "@testing-library/react";
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
