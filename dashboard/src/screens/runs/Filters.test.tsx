import { render, screen } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { expect, it, vi } from "vitest";
import { Chips, StatusSwitches, withoutStatuses } from "@/screens/runs/Filters";

it("takes one chip away and leaves the others as they are", async () => {
  const onQuery = vi.fn();
  render(<Chips q='status:failed error:~"rate limit" -tag.team:web' onQuery={onQuery} />);
  await userEvent.click(screen.getByRole("button", { name: "Remove the filter status:failed" }));
  expect(onQuery).toHaveBeenCalledWith('error:~"rate limit" -tag.team:web');
});

it("adds a status to those already chosen, and takes it back", async () => {
  const onQuery = vi.fn();
  const counts = { total: 3, by_status: { failed: 2, running: 1 }, searched_to: null };
  render(<StatusSwitches q="workflow:x status:failed" counts={counts} onQuery={onQuery} />);
  expect(screen.getByRole("button", { name: /failed 2/ }).getAttribute("aria-pressed")).toBe("true");
  await userEvent.click(screen.getByRole("button", { name: /running 1/ }));
  expect(onQuery).toHaveBeenLastCalledWith("workflow:x status:failed status:running");
  await userEvent.click(screen.getByRole("button", { name: /failed 2/ }));
  expect(onQuery).toHaveBeenLastCalledWith("workflow:x");
});

it("counts the other statuses as if none were chosen", () => {
  expect(withoutStatuses("status:failed workflow:x -status:cancelled")).toBe("workflow:x -status:cancelled");
});
