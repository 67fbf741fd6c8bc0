import react from "@vitejs/plugin-react";
import { defineConfig } from "vitest/config";
import { precompress } from "./build/precompress.ts";

// The API of a running server, for `npm run dev` alone; the built console always talks to its own origin.
const server = process.env.WATCHKEEPER_URL ?? "http://127.0.0.1:7404";

export default defineConfig({
  plugins: [react(), precompress()],
  server: { proxy: { "/api": server } },
  build: {
    target: "es2022",
    assetsInlineLimit: 0,
    reportCompressedSize: false,
    chunkSizeWarningLimit: 900,
  },
  test: { include: ["tests/unit/**/*.test.ts"], environment: "node" },
});
