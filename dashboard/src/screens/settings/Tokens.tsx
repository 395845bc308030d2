import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { problemFrom } from "@/api/client";
import type { CreatedToken, TokenSummary } from "@/api/contract";
import { createToken, revokeToken, tokensQuery } from "@/api/tokens";
import { announce } from "@/ui/announce";
import { Button } from "@/ui/Button";
import { Checkbox } from "@/ui/Checkbox";
import { CopyButton } from "@/ui/Copy";
import { Dialog } from "@/ui/Dialog";
import { FIELD, Labelled } from "@/ui/Labelled";
import { Ago } from "@/ui/Moment";
import { Loading, ProblemNotice } from "@/ui/Notice";

type Scope = TokenSummary["scopes"][number];

const SCOPES: { scope: Scope; about: string }[] = [
  { scope: "read", about: "see runs, payloads and logs" },
  { scope: "trigger", about: "start runs" },
  { scope: "operate", about: "replay and cancel" },
  { scope: "worker", about: "run steps" },
  { scope: "admin", about: "everything, tokens too" },
];

const LIFETIMES = [
  { days: 30, word: "30 days" },
  { days: 90, word: "90 days" },
  { days: 365, word: "a year" },
  { days: 0, word: "for good" },
];
const DAY_S = 86_400;

/** Who else may call the API. A token's text is shown once, when it is made. */
export function Tokens({ mayManage }: { mayManage: boolean }) {
  const tokens = useQuery({ ...tokensQuery(), enabled: mayManage });
  const [made, setMade] = useState<CreatedToken | null>(null);
  if (!mayManage) {
    return (
      <section aria-label="API tokens">
        <h2 className="mb-1 text-sm">API tokens</h2>
        <p className="text-ink-soft">Only a token with the scope admin may see and make others.</p>
      </section>
    );
  }
  return (
    <section aria-label="API tokens" className="flex max-w-4xl flex-col gap-3">
      <h2 className="text-sm">API tokens</h2>
      {made ? <Secret made={made} onSeen={() => setMade(null)} /> : null}
      {tokens.error ? <ProblemNotice error={tokens.error} onRetry={() => void tokens.refetch()} /> : null}
      {tokens.isPending ? <Loading what="the tokens" /> : null}
      {tokens.data ? <TokenTable tokens={tokens.data.items} /> : null}
      <NewTokenForm onMade={setMade} />
    </section>
  );
}

function Secret({ made, onSeen }: { made: CreatedToken; onSeen: () => void }) {
  return (
    <div role="status" className="flex flex-col gap-2 rounded-lg border border-accent-line bg-accent-soft p-3">
      <p>
        This is the token <strong>{made.name}</strong>. Copy it now: it is stored nowhere and never shown again.
      </p>
      <p className="flex items-center gap-2">
        <code className="wrap-anywhere rounded-sm bg-surface px-2 py-1 font-mono text-xs">{made.token}</code>
        <CopyButton text={made.token} what="the token" />
      </p>
      <Button className="self-start" onClick={onSeen}>
        I have it
      </Button>
    </div>
  );
}

function TokenTable({ tokens }: { tokens: TokenSummary[] }) {
  const [asked, setAsked] = useState<TokenSummary | null>(null);
  return (
    <>
      <ul className="divide-y divide-line rounded-lg border border-line bg-surface">
        {tokens.map((token) => (
          <li key={token.id} className="flex flex-wrap items-center gap-x-4 gap-y-1 px-4 py-2 text-sm">
            <span
              className={`wrap-anywhere min-w-40 font-medium ${token.revoked_at ? "text-ink-faint line-through" : ""}`}
            >
              {token.name}
            </span>
            <span className="font-mono text-ink-soft text-xs">{token.scopes.join(" ")}</span>
            <span className="text-ink-faint text-xs">
              made <Ago at={token.created_at} />
              {token.expires_at && !token.revoked_at ? (
                <>
                  {" "}
                  · expires <Ago at={token.expires_at} />
                </>
              ) : null}
              {token.revoked_at ? (
                <>
                  {" "}
                  · revoked <Ago at={token.revoked_at} />
                </>
              ) : null}
            </span>
            {token.revoked_at ? null : (
              <Button kind="danger" className="ml-auto" onClick={() => setAsked(token)}>
                Revoke<span className="sr-only"> {token.name}</span>
              </Button>
            )}
          </li>
        ))}
      </ul>
      {asked ? <RevokeDialog token={asked} onClose={() => setAsked(null)} /> : null}
    </>
  );
}

function RevokeDialog({ token, onClose }: { token: TokenSummary; onClose: () => void }) {
  const client = useQueryClient();
  const revoke = useMutation({
    mutationFn: () => revokeToken(token.id),
    onSuccess: () => {
      announce(`Revoked ${token.name}.`);
      onClose();
      return client.invalidateQueries({ queryKey: ["tokens"] });
    },
  });
  return (
    <Dialog
      title={`Revoke ${token.name}?`}
      description="Whoever uses it is shut out at once, this dashboard too if it was signed in with it. It cannot be undone."
      onClose={onClose}
    >
      {revoke.error ? <p className="mb-3 text-bad">{problemFrom(revoke.error).message}</p> : null}
      <div className="flex gap-2">
        <Button kind="danger" disabled={revoke.isPending} onClick={() => revoke.mutate()}>
          Revoke it
        </Button>
        <Button onClick={onClose}>Keep it</Button>
      </div>
    </Dialog>
  );
}

function NewTokenForm({ onMade }: { onMade: (made: CreatedToken) => void }) {
  const client = useQueryClient();
  const [name, setName] = useState("");
  const [scopes, setScopes] = useState<Scope[]>(["read"]);
  const [days, setDays] = useState(90);
  const make = useMutation({
    mutationFn: () => createToken({ name: name.trim(), scopes, ...(days > 0 ? { expires_in_s: days * DAY_S } : {}) }),
    onSuccess: (made) => {
      setName("");
      onMade(made);
      return client.invalidateQueries({ queryKey: ["tokens"] });
    },
  });
  return (
    <form
      aria-label="New token"
      className="flex flex-col gap-3 rounded-lg border border-line bg-surface p-4"
      onSubmit={(event) => {
        event.preventDefault();
        make.mutate();
      }}
    >
      <div className="flex flex-wrap gap-3">
        <Labelled label="Name, to know it again" className="min-w-0 flex-1 basis-52">
          <input
            className={FIELD}
            required
            maxLength={200}
            placeholder="worker eu-1"
            value={name}
            onChange={(event) => setName(event.target.value)}
          />
        </Labelled>
        <Labelled label="Valid">
          <select className={FIELD} value={days} onChange={(event) => setDays(Number(event.target.value))}>
            {LIFETIMES.map((each) => (
              <option key={each.days} value={each.days}>
                {each.word}
              </option>
            ))}
          </select>
        </Labelled>
      </div>
      <fieldset className="flex flex-wrap gap-x-5 gap-y-2">
        <legend className="mb-1.5 text-ink-soft text-xs">It may</legend>
        {SCOPES.map(({ scope, about }) => (
          <Checkbox
            key={scope}
            checked={scopes.includes(scope)}
            onChange={(may) => setScopes(may ? [...scopes, scope] : scopes.filter((each) => each !== scope))}
          >
            {scope} <span className="text-ink-faint text-xs">{about}</span>
          </Checkbox>
        ))}
      </fieldset>
      {make.error ? <p className="text-bad">{problemFrom(make.error).message}</p> : null}
      <Button type="submit" className="self-start" disabled={make.isPending || scopes.length === 0}>
        Make a token
      </Button>
    </form>
  );
}
