import { screen, waitFor } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { useState } from "react";
import { expect, it } from "vitest";
import type { StepDetail } from "@/api/contract";
import { requestOf, UNTOUCHED, withOverrides } from "@/screens/replay/draft";
import { Playground } from "@/screens/step/Playground";
import { answerWith, shapeOf, show } from "../../../tests/show";

const STEP = shapeOf<StepDetail>(
  `{"name": "s", "workflow": "w", "variables": [
     {"name": "heat", "schema": {"type": "number"}, "default": 0.20, "file": "app.py", "line": 5, "read": true},
     {"name": "words", "schema": {"type": "integer"}, "default": 3, "file": "app.py", "line": 6, "read": true}]}`,
);
const PRESET =
  '{"kind":"preset","key":"w: s: calm","value":{"heat":0.10,"words":2},"at":"2026-11-22T10:00:00Z","by":"me"}';

function Edited() {
  const [draft, setDraft] = useState(UNTOUCHED);
  return (
    <>
      <Playground
        step={STEP}
        changes={draft.overrides.s ?? {}}
        onChange={(changes) => setDraft(withOverrides(draft, "s", changes))}
      />
      <output data-testid="request">{JSON.stringify(requestOf(draft).playground ?? {})}</output>
    </>
  );
}

it("takes all values of a preset to the letter, and undoes all of them", async () => {
  answerWith({ "GET documents/preset": `{"items":[${PRESET}]}`, "GET documents/pin": '{"items":[]}' });
  show(<Edited />);
  await userEvent.click(await screen.findByRole("button", { name: "calm" }));
  const request = () => JSON.parse(screen.getByTestId("request").textContent ?? "");
  expect(request()).toEqual({ s: { heat: { text: "0.10" }, words: { text: "2" } } });
  await userEvent.click(screen.getByRole("button", { name: "Undo all" }));
  expect(request()).toEqual({});
});

it("pins a value beside those that are pinned already, and takes it away again", async () => {
  const pins = '{"items":[{"kind":"pin","key":"w","value":{"other":{"x":1.0}},"at":"2026-11-22T10:00:00Z","by":"me"}]}';
  const asked = answerWith({
    "GET documents/preset": '{"items":[]}',
    "GET documents/pin": pins,
    "PUT documents/pin/w": "{}",
  });
  show(<Edited />);
  await userEvent.clear(await screen.findByLabelText("words"));
  await userEvent.type(screen.getByLabelText("words"), "2");
  await userEvent.click(await screen.findByRole("button", { name: "pin words" }));
  const sent = () => asked.find((each) => each.method === "PUT")?.body;
  await waitFor(() => expect(sent()).toBe('{"value":{"other":{"x":1.0}, "s": {"words": 2}}}'));
});
