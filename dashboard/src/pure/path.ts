/** Search parameters as plain text: `?q=status:failed+workflow:x` can be read, typed and pasted into a chat. */

export function parseSearch(search: string): Record<string, string> {
  return Object.fromEntries(new URLSearchParams(search));
}

export function formatSearch(parameters: Record<string, unknown>): string {
  const kept = Object.entries(parameters).filter(([, value]) => value !== undefined && value !== null && value !== "");
  const text = new URLSearchParams(kept.map(([name, value]) => [name, String(value)])).toString();
  // A query reads better with its own signs; none of these has a meaning inside a query string.
  const readable = text
    .replace(/%3A/gi, ":")
    .replace(/%2C/gi, ",")
    .replace(/%7E/gi, "~")
    .replace(/%3E/gi, ">")
    .replace(/%2F/gi, "/");
  return readable === "" ? "" : `?${readable}`;
}
