/** Signing in: a token, from the link or typed, is exchanged for a cookie that scripts cannot read. */

import { send } from "@/api/client";

export function signIn(token: string): Promise<void> {
  return send("POST", "session", { token: token.trim() });
}

export function signOut(): Promise<void> {
  return send("DELETE", "session");
}

/**
 * Takes `#token=…` out of the address, so that it stays in no history entry and in no copied link. A fragment never
 * travels to a server by itself, which is why the link carries the token there.
 */
export function takeTokenFromAddress(): string | null {
  const token = new URLSearchParams(location.hash.slice(1)).get("token");
  if (token !== null) history.replaceState(history.state, "", location.pathname + location.search);
  return token;
}
