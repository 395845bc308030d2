/**
 * One event stream for the whole tab. Screens subscribe to topics; the stream is opened with the union of them, closed
 * while live updates are paused, and reopened with a growing delay after a failure. Silence is a failure, too: a
 * connection that a proxy or a sleeping computer has lost says nothing of it.
 */

export type LiveState = "connecting" | "live" | "paused" | "offline";

export interface StreamListener {
  event(name: string, data: unknown): void;
  /**
   * The stream has just been opened: what was read a moment before may have changed unheard. `gap` says that nothing
   * was heard for longer, after a pause or a broken connection.
   */
  resync(gap: boolean): void;
}

/** The part of EventSource that is used. */
export interface Source {
  onopen: ((event: Event) => void) | null;
  onerror: ((event: Event) => void) | null;
  addEventListener(name: string, listener: (event: MessageEvent<string>) => void): void;
  close(): void;
}

const EVENTS = ["run", "workers", "replays", "inbox"] as const;
/** They carry no news; only that they came counts. The server sends one every 15 seconds. */
const SIGNS_OF_LIFE = ["hello", "ping"] as const;
const LONGEST_SILENCE_MS = 45_000;
const SHORTEST_WAIT_MS = 1_000;
const LONGEST_WAIT_MS = 30_000;
/** Topics of a page arrive one after another as its parts mount; one stream is opened for all of them. */
const SETTLE_MS = 50;

export class LiveStream {
  readonly #open: (topics: string[]) => Source;
  readonly #listeners = new Map<StreamListener, string>();
  readonly #watchers = new Set<() => void>();
  #state: LiveState = "connecting";
  #source: Source | null = null;
  #topics = "";
  #missed = false;
  #failures = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #silence: ReturnType<typeof setTimeout> | undefined;
  #heardAt = 0;

  constructor(open: (topics: string[]) => Source) {
    this.#open = open;
  }

  get state(): LiveState {
    return this.#state;
  }

  /** Attempts that have failed since the stream was open. */
  get failures(): number {
    return this.#failures;
  }

  watch = (watcher: () => void): (() => void) => {
    this.#watchers.add(watcher);
    return () => this.#watchers.delete(watcher);
  };

  subscribe(topic: string, listener: StreamListener): () => void {
    this.#listeners.set(listener, topic);
    this.#settle();
    return () => {
      this.#listeners.delete(listener);
      this.#settle();
    };
  }

  pause(): void {
    this.#close();
    this.#topics = "";
    this.#missed = true;
    this.#become("paused");
  }

  resume(): void {
    if (this.#state !== "paused") return;
    this.#failures = 0;
    this.#become("connecting");
    this.#connect();
  }

  /** Somebody looks again, or the network is back: what has been lost is not waited for any longer. */
  wake(): void {
    const isSilent = this.#source !== null && Date.now() - this.#heardAt >= LONGEST_SILENCE_MS;
    if (this.#state !== "offline" && !isSilent) return;
    this.#close();
    this.#missed = true;
    this.#connect();
  }

  #settle(): void {
    // While it fails the next attempt is planned already, unless nobody is left to make it for.
    if (this.#state === "paused" || (this.#failures > 0 && this.#listeners.size > 0)) return;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#connect(), SETTLE_MS);
  }

  #connect(): void {
    const topics = [...new Set(this.#listeners.values())].sort();
    const wanted = topics.join(",");
    if (wanted === this.#topics && this.#source) return;
    this.#close();
    this.#topics = wanted;
    if (topics.length === 0) {
      this.#failures = 0;
      return;
    }
    const source = this.#open(topics);
    this.#source = source;
    source.onopen = () => this.#opened();
    source.onerror = () => this.#failed();
    for (const name of EVENTS) {
      source.addEventListener(name, (message) => this.#deliver(name, message.data));
    }
    for (const name of SIGNS_OF_LIFE) source.addEventListener(name, () => this.#heard());
    this.#heard();
  }

  #heard(): void {
    this.#heardAt = Date.now();
    clearTimeout(this.#silence);
    this.#silence = setTimeout(() => this.#failed(), LONGEST_SILENCE_MS);
  }

  #opened(): void {
    this.#heard();
    const gap = this.#missed;
    this.#failures = 0;
    this.#missed = false;
    this.#become("live");
    for (const listener of [...this.#listeners.keys()]) listener.resync(gap);
  }

  #failed(): void {
    this.#close();
    this.#missed = true;
    const wait = Math.min(LONGEST_WAIT_MS, SHORTEST_WAIT_MS * 2 ** this.#failures);
    this.#failures += 1;
    this.#state = "offline";
    this.#tell();
    this.#timer = setTimeout(() => this.#connect(), wait);
  }

  #deliver(name: string, text: string): void {
    this.#heard();
    const data: unknown = JSON.parse(text);
    for (const listener of [...this.#listeners.keys()]) listener.event(name, data);
  }

  #close(): void {
    clearTimeout(this.#timer);
    clearTimeout(this.#silence);
    this.#source?.close();
    this.#source = null;
  }

  #become(state: LiveState): void {
    if (state === this.#state) return;
    this.#state = state;
    this.#tell();
  }

  #tell(): void {
    for (const watcher of [...this.#watchers]) watcher();
  }
}
