import { QueryClientProvider } from "@tanstack/react-query";
import { RouterProvider } from "@tanstack/react-router";
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { makeQueryClient } from "@/api/queries";
import { makeRouter } from "@/routes";
import { loadAhead } from "@/shell/ahead";
import { SignIn } from "@/shell/SignIn";
import { signIn, takeTokenFromAddress } from "@/shell/session";
import "@/style.css";

async function start(place: HTMLElement): Promise<void> {
  const token = takeTokenFromAddress();
  const refused: unknown = token === null ? null : await signIn(token).catch((error: unknown) => error);
  const client = makeQueryClient();
  const router = makeRouter();
  loadAhead(router);
  createRoot(place).render(
    <StrictMode>
      <QueryClientProvider client={client}>
        {refused ? (
          <SignIn refused={refused} onEntered={() => location.reload()} />
        ) : (
          <RouterProvider router={router} />
        )}
      </QueryClientProvider>
    </StrictMode>,
  );
}

const place = document.getElementById("root");
if (place) void start(place);
