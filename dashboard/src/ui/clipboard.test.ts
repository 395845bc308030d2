import { afterEach, describe, expect, it, vi } from "vitest";
import { copyText } from "@/ui/clipboard";

afterEach(() => vi.unstubAllGlobals());

function withoutClipboard(clipboard?: { writeText: (text: string) => Promise<void> }) {
  Object.defineProperty(navigator, "clipboard", { value: clipboard, configurable: true });
  const selected: string[] = [];
  document.execCommand = vi.fn(() => {
    selected.push((document.activeElement as HTMLTextAreaElement).value);
    return true;
  });
  return selected;
}

describe("copyText", () => {
  it("uses the clipboard where there is one", async () => {
    const writeText = vi.fn(async () => undefined);
    const selected = withoutClipboard({ writeText });
    expect(await copyText("run")).toBe(true);
    expect(writeText).toHaveBeenCalledWith("run");
    expect(selected).toEqual([]);
  });

  it("copies on plain HTTP too, leaves nothing behind and gives the focus back", async () => {
    const selected = withoutClipboard();
    const button = document.createElement("button");
    document.body.append(button);
    button.focus();
    expect(await copyText("run")).toBe(true);
    expect(selected).toEqual(["run"]);
    expect(document.querySelector("textarea")).toBeNull();
    expect(document.activeElement).toBe(button);
  });

  it("falls back when the clipboard refuses", async () => {
    const selected = withoutClipboard({ writeText: () => Promise.reject(new Error("denied")) });
    expect(await copyText("run")).toBe(true);
    expect(selected).toEqual(["run"]);
  });
});
