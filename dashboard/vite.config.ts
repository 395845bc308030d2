/// <reference types="vitest/config" />
import { fileURLToPath } from "node:url";
import tailwindcss from "@tailwindcss/vite";
import react from "@vitejs/plugin-react";
import { defineConfig } from "vite";

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url));
const server = process.env.MULLIGAN_URL ?? "http://127.0.0.1:8420";

export default defineConfig({
  // Relative asset addresses, so that the same build works under any path prefix the server puts into <base href>.
  base: "./",
  plugins: [react(), tailwindcss()],
  resolve: { alias: { "@/tests": here("./tests"), "@": here("./src") } },
  build: {
    outDir: "../src/mulligan/server/static",
    emptyOutDir: true,
    target: "es2022",
    // A data: address would need its own permission in the content security policy.
    assetsInlineLimit: 0,
  },
  server: { proxy: { "/api": server } },
  test: {
    restoreMocks: true,
    // A fresh world for each file costs three times what the tests do; they clean up after themselves (tests/setup.ts).
    isolate: false,
    projects: [
      // A page costs a second to set up; rules that know no page do without.
      { extends: true, test: { name: "pure", environment: "node", include: ["src/pure/*.test.ts"] } },
      {
        extends: true,
        test: {
          name: "page",
          environment: "happy-dom",
          include: ["src/{api,screens,shell,ui}/**/*.test.{ts,tsx}"],
          setupFiles: ["./tests/setup.ts"],
          // Pages wait for plans and answers, and everything else runs beside these tests.
          testTimeout: 30_000,
        },
      },
    ],
  },
});
