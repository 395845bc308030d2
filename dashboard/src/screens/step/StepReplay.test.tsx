import { cleanup, screen, waitFor } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { afterEach, describe, expect, it, vi } from "vitest";
import type { StepDetail } from "@/api/contract";
import { StepReplay } from "@/screens/step/StepReplay";
import { type Answers, answerWith, shapeOf, show } from "@/tests/show";

// The real editor needs a layout engine; what matters here is the text that goes in and out of it.
vi.mock("@/editor/lazy", async (original) => ({
  ...(await original<typeof import("@/editor/lazy")>()),
  JsonEditor: ({ label, text, onChange }: { label: string; text: string; onChange: (text: string) => void }) => (
    <textarea aria-label={label} value={text} onChange={(event) => onChange(event.target.value)} />
  ),
}));

const step = (name = "summary") =>
  shapeOf<StepDetail>(
    `{"name": "${name}", "workflow": "summarise", "status": "failed", "chosen_attempt": 2,
      "arguments": [{"name": "doc", "origin": "input"}, {"name": "pieces", "origin": "step:chunk"}],
      "input": {"doc": {"id": 1152921504606846977, "lang": "en"}, "pieces": []}, "input_problem": null,
      "input_schema": {"type": "object", "properties": {"doc": {"type": "object"}}},
      "tries": [{"number": 2, "error": {"type": "RateLimitError", "message": "429", "retryable": true, "cause": null,
        "frames": [{"file": "app.py", "line": 57, "function": "summary", "code": "chat()", "in_app": true}]}}],
      "variables": [{"name": "temperature", "schema": {"type": "number", "maximum": 2}, "default": 0.2,
        "file": "/srv/app.py", "line": 52, "read": true}]}`,
  );

const plan = (token: string) =>
  `{"source_id": "r1", "workflow": "summarise", "token": "${token}", "summary": "Keeps fetch. Runs summary.",
    "code": {"choice": "latest", "number": 15, "digest": "b", "source_number": 14, "source_digest": "a", "changed": true},
    "steps": [{"name": "fetch", "action": "keep", "why": ""}, {"name": "summary", "action": "run", "why": ""}],
    "stale": [], "suggested_start_steps": [], "edits": [], "overrides": [], "warnings": ["It costs money."]}`;

const workflow = '{"versions": [{"number": 15, "digest": "b", "label": ""}]}';

/** Drafts outlive their page on purpose, so each test has a run of its own. */
let run = 0;

function setUp(answers: { plan?: Answers[string]; replay?: Answers[string] } = {}) {
  run += 1;
  const asked = answerWith({
    [`POST runs/${run}/replay/plan`]: answers.plan ?? plan("t1"),
    [`POST runs/${run}/replay`]: answers.replay ?? [201, '{"id": "new", "source_id": "old", "existing": false}'],
    "GET workflows/summarise": workflow,
  });
  const where = show(<StepReplay step={step()} run={String(run)} />);
  return { asked, where, replays: () => asked.filter((each) => each.path.endsWith("/replay")) };
}

/** Once the plan stands, which takes its time on a busy machine. */
async function pressReplay(replays: () => unknown[]): Promise<void> {
  const button = () => screen.getByRole("button", { name: /Replay 1 step/ });
  await waitFor(() => expect(button().getAttribute("aria-disabled")).toBe("false"));
  await userEvent.click(button());
  await waitFor(() => expect(replays()).toHaveLength(1));
}

afterEach(() => vi.unstubAllGlobals());

describe("StepReplay", () => {
  it("shows the failure, where each argument came from, and what would happen", async () => {
    setUp();
    expect(await screen.findByText("RateLimitError")).toBeTruthy();
    expect(screen.getByText("from step chunk")).toBeTruthy();
    expect(await screen.findByText("Keeps fetch. Runs summary.")).toBeTruthy();
    expect(screen.getByText("It costs money.")).toBeTruthy();
    expect(screen.getByText("app.py:52")).toBeTruthy();
  });

  it("replays with the plan that was shown, and nothing that was not edited", async () => {
    const { replays, where } = setUp();
    await screen.findByText("Keeps fetch. Runs summary.");
    await userEvent.click(screen.getByRole("button", { name: /Replay 1 step/ }));
    await waitFor(() => expect(where()).toBe("/runs/new"));
    expect(replays().map((each) => each.body)).toEqual(['{"code":"latest","start_steps":["summary"],"token":"t1"}']);
    expect(replays()[0]?.headers["Idempotency-Key"]).toMatch(/^[0-9a-f]{32}$/);
  });

  it("sends an edit and a variable to the letter, from the keyboard", async () => {
    const { replays } = setUp();
    const editor = await screen.findByLabelText<HTMLTextAreaElement>("Input of step summary as JSON");
    const at = editor.value.indexOf('en"');
    await userEvent.type(editor, "fr", { initialSelectionStart: at, initialSelectionEnd: at + 2 });
    const heat = screen.getByLabelText("temperature");
    await userEvent.clear(heat);
    await userEvent.type(heat, "1.50");
    await screen.findByText("Keeps fetch. Runs summary.");
    await waitFor(async () => {
      await userEvent.type(heat, "{Control>}{Enter}{/Control}");
      expect(replays()).toHaveLength(1);
    });
    const [{ body = "" } = {}] = replays();
    expect(body).toContain('"id": 1152921504606846977');
    expect(body).toContain('"lang": "fr"');
    expect(body).toContain('"playground":{"summary":{"temperature":1.50}}');
  });

  it("takes along what was changed at another step of the run, in sight, until it is left out", async () => {
    const { replays } = setUp();
    const heat = await screen.findByLabelText("temperature");
    await userEvent.clear(heat);
    await userEvent.type(heat, "1.5");
    cleanup();
    show(<StepReplay step={step("chunk")} run={String(run)} />);
    expect((await screen.findByLabelText("Changed elsewhere")).textContent).toContain("summary · variable temperature");
    const other = screen.getByLabelText<HTMLTextAreaElement>("Input of step chunk as JSON");
    await userEvent.type(other, " ");
    await screen.findByText("Keeps fetch. Runs summary.");
    await pressReplay(replays);
    expect(JSON.parse(replays()[0]?.body ?? "")).toMatchObject({
      start_steps: ["chunk", "summary"],
      playground: { summary: { temperature: 1.5 } },
    });
  });

  it("leaves out what was changed at another step, and does not start there any more", async () => {
    const { replays } = setUp();
    await userEvent.type(await screen.findByLabelText("temperature"), "5");
    cleanup();
    show(<StepReplay step={step("chunk")} run={String(run)} />);
    await userEvent.click(await screen.findByRole("button", { name: "Leave out what was changed at summary" }));
    expect(screen.queryByLabelText("Changed elsewhere")).toBe(null);
    await screen.findByText("Keeps fetch. Runs summary.");
    await pressReplay(replays);
    expect(replays()[0]?.body).toBe('{"code":"latest","start_steps":["chunk"],"token":"t1"}');
  });

  it("refuses text that is no JSON, and a value that its variable does not take, without asking the server", async () => {
    const { asked, replays } = setUp();
    await screen.findByText("Keeps fetch. Runs summary.");
    await userEvent.type(screen.getByLabelText("temperature"), "{Backspace}{Backspace}{Backspace}99");
    expect(await screen.findByText(/The variable temperature must be at most 2/)).toBeTruthy();
    await userEvent.click(screen.getByRole("button", { name: "undo" }));
    await userEvent.type(screen.getByLabelText("Input of step summary as JSON"), "x");
    expect(await screen.findByText(/The input is no JSON yet/)).toBeTruthy();
    await userEvent.click(screen.getByRole("button", { name: /^Replay/ }));
    expect(replays()).toEqual([]);
    await userEvent.click(screen.getByRole("button", { name: "Undo edits" }));
    await screen.findByText("Keeps fetch. Runs summary.");
    for (const { body } of asked.filter((each) => each.method === "POST")) {
      expect(body).not.toContain("99");
      expect(() => JSON.parse(body)).not.toThrow();
    }
  });

  it("names path and rule when the server refuses the plan", async () => {
    setUp({
      plan: [
        422,
        '{"title": "Invalid input", "code": "invalid_input", "detail": "The edit breaks a rule.", "problems": [{"where": "input of step summary", "path": "/doc/lang", "rule": "is not one of en, fr"}]}',
      ],
    });
    expect(await screen.findByText("The edit breaks a rule.")).toBeTruthy();
    expect(screen.getByText("input of step summary · doc.lang")).toBeTruthy();
    expect(screen.getByText("is not one of en, fr")).toBeTruthy();
    const button = screen.getByRole("button", { name: /^Replay/ });
    expect(document.getElementById(button.getAttribute("aria-describedby") ?? "")?.textContent).toBe(
      "doc.lang is not one of en, fr",
    );
  });

  it("plans anew when the run has changed since", async () => {
    let token = "t1";
    const { replays, where } = setUp({
      plan: () => plan(token),
      replay: (body) => {
        if (body.includes('"t2"')) return [201, '{"id": "new", "source_id": "old", "existing": false}'];
        token = "t2";
        return [409, '{"title": "Conflict", "code": "plan_outdated", "detail": "Plan again and look at it."}'];
      },
    });
    await screen.findByText("Keeps fetch. Runs summary.");
    await userEvent.click(screen.getByRole("button", { name: /Replay 1 step/ }));
    expect(await screen.findByText("Plan again and look at it.")).toBeTruthy();
    expect(where()).toBe("/");
    await waitFor(async () => {
      await userEvent.click(screen.getByRole("button", { name: /Replay 1 step/ }));
      expect(where()).toBe("/runs/new");
    });
    expect(new Set(replays().map((each) => each.headers["Idempotency-Key"])).size).toBe(2);
  });
});
