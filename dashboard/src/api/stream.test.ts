import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { LiveStream, type Source } from "@/api/stream";

class FakeSource implements Source {
  onopen: ((event: Event) => void) | null = null;
  onerror: ((event: Event) => void) | null = null;
  closed = false;
  readonly topics: string[];
  readonly #listeners = new Map<string, (event: MessageEvent<string>) => void>();

  constructor(topics: string[]) {
    this.topics = topics;
  }

  addEventListener(name: string, listener: (event: MessageEvent<string>) => void) {
    this.#listeners.set(name, listener);
  }

  close() {
    this.closed = true;
  }

  open() {
    this.onopen?.(new Event("open"));
  }

  fail() {
    this.onerror?.(new Event("error"));
  }

  say(name: string, data: unknown) {
    this.#listeners.get(name)?.(new MessageEvent(name, { data: JSON.stringify(data) }));
  }
}

let sources: FakeSource[];
let stream: LiveStream;
const listener = () => ({ event: vi.fn(), resync: vi.fn() });
const last = () => sources.at(-1) as FakeSource;

beforeEach(() => {
  vi.useFakeTimers();
  sources = [];
  stream = new LiveStream((topics) => {
    const source = new FakeSource(topics);
    sources.push(source);
    return source;
  });
});
afterEach(() => {
  vi.useRealTimers();
});

describe("LiveStream", () => {
  it("opens one stream for everything a page listens to", () => {
    stream.subscribe("runs", listener());
    stream.subscribe("workers", listener());
    stream.subscribe("runs", listener());
    vi.advanceTimersByTime(60);
    expect(sources.map((source) => source.topics)).toEqual([["runs", "workers"]]);
  });

  it("delivers events and reopens when the topics change", () => {
    const one = listener();
    const leave = stream.subscribe("runs", one);
    vi.advanceTimersByTime(60);
    last().open();
    last().say("run", { id: "r1" });
    expect(one.event).toHaveBeenCalledWith("run", { id: "r1" });
    stream.subscribe("run:r1", listener());
    leave();
    vi.advanceTimersByTime(60);
    expect(sources[0]?.closed).toBe(true);
    expect(last().topics).toEqual(["run:r1"]);
  });

  it("closes when nobody listens", () => {
    const leave = stream.subscribe("runs", listener());
    vi.advanceTimersByTime(60);
    leave();
    vi.advanceTimersByTime(60);
    expect(last().closed).toBe(true);
    expect(sources).toHaveLength(1);
  });

  it("is silent while paused, whatever mounts, and catches up afterwards", () => {
    const one = listener();
    stream.subscribe("runs", one);
    vi.advanceTimersByTime(60);
    last().open();
    expect(one.resync.mock.calls).toEqual([[false]]);
    stream.pause();
    expect(stream.state).toBe("paused");
    stream.subscribe("workers", listener());
    vi.advanceTimersByTime(60_000);
    expect(sources).toHaveLength(1);
    expect(last().closed).toBe(true);
    stream.resume();
    last().open();
    expect(stream.state).toBe("live");
    expect(one.resync.mock.calls).toEqual([[false], [true]]);
  });

  it("comes back after failures, more and more slowly", () => {
    const one = listener();
    stream.subscribe("runs", one);
    vi.advanceTimersByTime(60);
    last().fail();
    expect(stream.state).toBe("offline");
    vi.advanceTimersByTime(1_000);
    expect(sources).toHaveLength(2);
    last().fail();
    vi.advanceTimersByTime(1_000);
    expect(sources).toHaveLength(2);
    vi.advanceTimersByTime(1_000);
    expect(sources).toHaveLength(3);
    last().open();
    expect(one.resync.mock.calls).toEqual([[true]]);
  });

  it("takes silence for a failure, while it is open and before", () => {
    const one = listener();
    stream.subscribe("runs", one);
    vi.advanceTimersByTime(60);
    last().open();
    for (let minute = 0; minute < 10; minute += 1) {
      vi.advanceTimersByTime(40_000);
      last().say("ping", {});
    }
    expect(sources).toHaveLength(1);
    vi.advanceTimersByTime(45_000);
    expect([stream.state, last().closed]).toEqual(["offline", true]);
    vi.advanceTimersByTime(1_000);
    expect(sources).toHaveLength(2);
    vi.advanceTimersByTime(45_000);
    expect(last().closed).toBe(true);
    vi.advanceTimersByTime(2_000);
    last().open();
    expect([stream.state, sources.length]).toEqual(["live", 3]);
    expect(one.resync.mock.calls).toEqual([[false], [true]]);
  });

  it("comes back at once when somebody looks again", () => {
    stream.subscribe("runs", listener());
    vi.advanceTimersByTime(60);
    last().open();
    stream.wake();
    expect(sources).toHaveLength(1);
    // The computer slept: the time has passed, but no timer has run.
    vi.setSystemTime(Date.now() + 8 * 3_600_000);
    stream.wake();
    expect(sources.map((source) => source.closed)).toEqual([true, false]);
    last().fail();
    stream.wake();
    expect(sources).toHaveLength(3);
    stream.pause();
    stream.wake();
    expect(sources).toHaveLength(3);
  });

  it("begins anew for those who come after everybody has left a stream that failed", () => {
    const leave = stream.subscribe("runs", listener());
    vi.advanceTimersByTime(60);
    last().fail();
    expect(stream.failures).toBe(1);
    leave();
    vi.advanceTimersByTime(60_000);
    const late = listener();
    stream.subscribe("runs", late);
    vi.advanceTimersByTime(60);
    last().open();
    expect([stream.state, stream.failures, sources.length]).toEqual(["live", 0, 2]);
    expect(late.resync.mock.calls).toEqual([[true]]);
  });

  it("delivers news of every topic that there is", () => {
    const one = listener();
    stream.subscribe("inbox", one);
    vi.advanceTimersByTime(60);
    last().open();
    for (const name of ["run", "workers", "replays", "inbox"]) last().say(name, {});
    expect(one.event.mock.calls.map(([name]) => name)).toEqual(["run", "workers", "replays", "inbox"]);
  });

  it("tells watchers when its state changes", () => {
    const seen: string[] = [];
    const stop = stream.watch(() => seen.push(stream.state));
    stream.subscribe("runs", listener());
    vi.advanceTimersByTime(60);
    last().open();
    stream.pause();
    stop();
    stream.resume();
    expect(seen).toEqual(["live", "paused"]);
  });
});
