import { screen, waitFor } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { expect, it } from "vitest";
import { Views } from "@/screens/runs/SavedViews";
import { answerWith, show } from "../../../tests/show";

const KEPT = '{"kind":"view","key":"Mine","value":"actor:me","at":"2026-11-22T10:00:00Z","by":"me"}';

it("shows what was saved as a link, and saves what has no name yet", async () => {
  const asked = answerWith({
    "GET documents/view": `{"items":[${KEPT}]}`,
    "PUT documents/view/French%20ones": KEPT,
  });
  show(<Views q="input.lang:fr" />);
  expect((await screen.findByRole("link", { name: "Mine" })).getAttribute("href")).toContain("actor");
  await userEvent.click(screen.getByRole("button", { name: "save this view" }));
  await userEvent.type(screen.getByLabelText("Name of the view"), "French ones{Enter}");
  await waitFor(() => expect(asked.some((each) => each.method === "PUT")).toBe(true));
  expect(asked.find((each) => each.method === "PUT")?.body).toBe('{"value":"input.lang:fr"}');
});

it("offers to forget the saved view that is open, and to save none that has a name", async () => {
  const asked = answerWith({ "GET documents/view": `{"items":[${KEPT}]}`, "DELETE documents/view/Mine": [204, ""] });
  show(<Views q="actor:me" />);
  await userEvent.click(await screen.findByRole("button", { name: "Forget the view Mine" }));
  expect(screen.queryByRole("button", { name: "save this view" })).toBeNull();
  await waitFor(() => expect(asked.some((each) => each.method === "DELETE")).toBe(true));
});
