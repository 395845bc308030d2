import { render, screen } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { describe, expect, it, vi } from "vitest";
import { Problem } from "@/api/problem";
import { ProblemNotice } from "@/ui/Notice";

describe("ProblemNotice", () => {
  it.each([400, 401, 403, 404, 413, 422])("does not offer to repeat what is wrong in itself (%d)", (status) => {
    render(<ProblemNotice error={new Problem(status, "x", "No", "It is not so.")} onRetry={vi.fn()} />);
    expect(screen.queryByRole("button", { name: "Try again" })).toBe(null);
  });

  it.each([0, 409, 429, 500, 502, 503])("offers to repeat what may pass (%d)", async (status) => {
    const onRetry = vi.fn();
    render(<ProblemNotice error={new Problem(status, "x", "No", "It is not so.")} onRetry={onRetry} />);
    await userEvent.click(screen.getByRole("button", { name: "Try again" }));
    expect(onRetry).toHaveBeenCalledOnce();
  });

  it("shows code as code", () => {
    render(<ProblemNotice error={new Problem(404, "x", "No", "Use `mulligan runs` or `q`; ` is alone.")} />);
    expect(screen.getByText("mulligan runs").tagName).toBe("CODE");
    expect(screen.getByText("q").tagName).toBe("CODE");
    expect(screen.getByRole("alert").textContent).toContain("Use mulligan runs or q; ` is alone.");
  });
});
