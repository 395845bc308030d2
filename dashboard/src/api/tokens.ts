/** Who may call the API. */

import { queryOptions } from "@tanstack/react-query";
import { read, segment, send } from "@/api/client";
import type { CreatedToken, NewToken, TokenList } from "@/api/contract";

export const tokensQuery = () =>
  queryOptions({ queryKey: ["tokens"], queryFn: ({ signal }) => read<TokenList>("tokens", {}, signal) });

export function createToken(body: Partial<NewToken> & Pick<NewToken, "name" | "scopes">): Promise<CreatedToken> {
  return send("POST", "tokens", body);
}

export function revokeToken(id: string): Promise<void> {
  return send("DELETE", `tokens/${segment(id)}`);
}
