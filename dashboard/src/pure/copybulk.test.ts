// @vitest-environment happy-dom
import { expect, it } from "vitest";
import { copyBulkAs } from "@/pure/copybulk";
import { Raw } from "@/pure/wire";

const PATCH = new Raw(
  '[{"op":"replace","path":"/penguin/sex","value":"female"},{"op":"add","path":"/penguin/id","value":1152921504606846977}]',
);
const BODY = {
  q: "fingerprint:f replay:no",
  ids: ["a", "b"],
  request: {
    start_steps: ["compare"],
    patches: { compare: PATCH },
    playground: { compare: { heat: new Raw("0.0") } },
    reason: "it's known",
  },
  canary: [1, 0.1],
  stop_after: 2,
  stop_on_new: true,
};

it("speaks the command line", () => {
  expect(copyBulkAs("CLI", BODY)).toBe(
    "mulligan replay -q 'fingerprint:f replay:no id:a id:b' --from compare --set 'penguin.sex=\"female\"' " +
      "--set penguin.id=1152921504606846977 --playground compare.heat=0.0 --canary 1 --canary 10% --stop-after 2 " +
      "--stop-on-new --reason 'it'\\''s known'",
  );
});

it("speaks Python", () => {
  expect(copyBulkAs("Python", BODY)).toBe(
    'many = await m.runs.replay_all("fingerprint:f replay:no id:a id:b", reason="it\'s known", from_step="compare", ' +
      'input={"penguin": {"sex": "female", "id": 1152921504606846977}}, playground={"compare.heat":0.0}, ' +
      "canary=[1,0.1], stop_after=2, stop_on_new=True)",
  );
});

it("says what it leaves out, and curl leaves out nothing", () => {
  const request = { ...BODY.request, patches: { compare: new Raw('[{"op":"remove","path":"/x"}]') } };
  const body = { ...BODY, ids: Array.from({ length: 99 }, (_, index) => `r${index}`), request };
  for (const language of ["CLI", "Python"] as const) {
    const [ids, patch, text] = copyBulkAs(language, body).split("\n");
    expect(ids).toBe("# left out, but curl can say it: just the 99 chosen runs, and no others that match");
    expect(patch).toBe("# left out, but curl can say it: the patch of compare");
    expect(text).not.toContain("id:");
  }
  expect(copyBulkAs("curl", body)).toContain('"patches":{"compare":[{"op":"remove","path":"/x"}]}');
});

it("names places so that the command line finds them, or says which it cannot name", () => {
  const patch = new Raw(
    '[{"op":"replace","path":"/prices/gpt-4.1","value":0},{"op":"add","path":"/x=y","value":1},{"op":"add","path":"/z","value":2}]',
  );
  const start = { ...BODY, ids: [], request: { reason: "r", start_steps: ["compare"], patches: { compare: patch } } };
  expect(copyBulkAs("CLI", start)).toMatch(
    /^# left out, but curl can say it: the edit of compare\/x=y\nmulligan .* --set \/prices\/gpt-4.1=0 --set z=2 /,
  );
  const whole = { ...BODY, ids: [], request: { reason: "r", from_beginning: true, input_patch: patch } };
  expect(copyBulkAs("CLI", whole as never)).toMatch(
    /^# left out, but curl can say it: the edit of the run input: \/x=y\nmulligan .* --set \/prices\/gpt-4.1=0 --set z=2 /,
  );
});
