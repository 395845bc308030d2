import { render, screen } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { useState } from "react";
import { expect, it } from "vitest";
import { formFields } from "@/pure/schema";
import { SchemaForm } from "@/screens/step/SchemaForm";

const FIELDS = formFields({
  type: "object",
  properties: {
    id: { type: "integer" },
    lang: { enum: ["en", "fr"] },
    note: { anyOf: [{ type: "string" }, { type: "null" }] },
    urgent: { type: "boolean" },
  },
  required: ["id"],
});
const TEXT = '{"id": 1152921504606846977,  "lang": "en", "note": null, "kept": 1.50}';

function setUp() {
  let text = TEXT;
  function Holder() {
    const [now, setNow] = useState(TEXT);
    text = now;
    return <SchemaForm fields={FIELDS} text={now} problems={[]} onChange={setNow} />;
  }
  render(<Holder />);
  return () => text;
}

it("shows every value as it is written, large integers too", () => {
  setUp();
  expect(screen.getByLabelText("id")).toHaveProperty("value", "1152921504606846977");
  expect(screen.getByLabelText("lang")).toHaveProperty("value", '"en"');
  expect(screen.getByLabelText("note")).toHaveProperty("disabled", true);
});

it("changes one literal and leaves every other byte", async () => {
  const text = setUp();
  await userEvent.selectOptions(screen.getByLabelText("lang"), "fr");
  expect(text()).toBe(TEXT.replace('"en"', '"fr"'));
});

it("keeps what is no number yet out of the text, and says so", async () => {
  const text = setUp();
  const field = screen.getByLabelText<HTMLInputElement>("id");
  await userEvent.clear(field);
  await userEvent.type(field, "12x");
  expect(screen.getByText("must be a whole number")).toBeTruthy();
  expect(field.validity.customError).toBe(true);
  await userEvent.type(field, "{Backspace}");
  expect(text()).toBe(TEXT.replace("1152921504606846977", "12"));
  expect(field.validity.valid).toBe(true);
});

it("turns null into a value and adds what was missing", async () => {
  const text = setUp();
  await userEvent.click(screen.getByLabelText("null"));
  await userEvent.type(screen.getByLabelText("note"), 'a "b"');
  await userEvent.click(screen.getByLabelText("urgent"));
  expect(text()).toBe('{"id": 1152921504606846977,  "lang": "en", "note": "a \\"b\\"", "kept": 1.50, "urgent": true}');
});
