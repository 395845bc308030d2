import { useMutation } from "@tanstack/react-query";
import { useState } from "react";
import { Mark } from "@/shell/Mark";
import { signIn } from "@/shell/session";
import { Button } from "@/ui/Button";
import { ProblemNotice } from "@/ui/Notice";

/** `refused` is why the token of the link was not taken, if there was one. */
export function SignIn({ refused, onEntered }: { refused?: unknown; onEntered: () => void }) {
  const [token, setToken] = useState("");
  const enter = useMutation({ mutationFn: signIn, onSuccess: onEntered });
  const error = enter.error ?? refused;
  return (
    <main className="mx-auto flex min-h-full max-w-md flex-col justify-center gap-6 p-6">
      <div>
        <Mark className="mb-4 size-12" />
        <h1 className="font-semibold text-xl">Sign in to Mulligan</h1>
        <p className="mt-2 text-ink-soft">
          When it started, the server said where its token is: in a link to open, or in a file. Paste the token here. A
          new one is made with
        </p>
        <pre className="mt-2 overflow-x-auto rounded-md bg-sunken px-3 py-2 font-mono text-sm">
          mulligan tokens create
        </pre>
      </div>
      <form
        className="flex flex-col gap-3"
        onSubmit={(event) => {
          event.preventDefault();
          enter.mutate(token);
        }}
      >
        <label className="flex flex-col gap-1.5 font-medium">
          Token
          <input
            type="password"
            name="token"
            autoComplete="current-password"
            required
            value={token}
            onChange={(event) => setToken(event.target.value)}
            placeholder="mlg_…"
            className="h-9 rounded-md border border-line-strong bg-surface px-3 font-mono font-normal"
          />
        </label>
        <Button kind="primary" type="submit" disabled={enter.isPending}>
          {enter.isPending ? "Signing in…" : "Sign in"}
        </Button>
      </form>
      {error ? <ProblemNotice error={error} /> : null}
    </main>
  );
}
