import { expect, it } from "vitest";
import { splitClass } from "@/pure/classname";

it("cuts the module off the class, and nothing off a built-in one", () => {
  expect(splitClass("examples.tuning.TooLong")).toEqual({ module: "examples.tuning.", name: "TooLong" });
  expect(splitClass("KeyError")).toEqual({ module: "", name: "KeyError" });
});
