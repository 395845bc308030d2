import { render, screen } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { expect, it, vi } from "vitest";
import { CommandForm } from "@/ui/CommandForm";

function setUp() {
  const onCommand = vi.fn();
  render(
    <CommandForm onCommand={onCommand} className="">
      <input aria-label="reason" />
      <textarea aria-label="text" />
      <button type="submit">Replay</button>
    </CommandForm>,
  );
  return onCommand;
}

it("is submitted by Ctrl+Enter from any field", async () => {
  const onCommand = setUp();
  await userEvent.type(screen.getByLabelText("reason"), "why{Control>}{Enter}{/Control}");
  await userEvent.type(screen.getByLabelText("text"), "{Meta>}{Enter}{/Meta}");
  expect(onCommand).toHaveBeenCalledTimes(2);
});

it("is never submitted by Enter alone in a field", async () => {
  const onCommand = setUp();
  await userEvent.type(screen.getByLabelText("reason"), "why{Enter}");
  await userEvent.type(screen.getByLabelText("text"), "line{Enter}next");
  expect(onCommand).not.toHaveBeenCalled();
  expect(screen.getByLabelText("text")).toHaveProperty("value", "line\nnext");
});

it("is not submitted while a field holds no value", async () => {
  const onCommand = setUp();
  const field = screen.getByLabelText<HTMLInputElement>("reason");
  field.setCustomValidity("must be a number");
  await userEvent.type(field, "x{Control>}{Enter}{/Control}");
  expect(onCommand).not.toHaveBeenCalled();
});
