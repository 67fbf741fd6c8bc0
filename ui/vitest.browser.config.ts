import { defineConfig } from "vitest/config";

// Apart from the unit tests, because these need a build and a Chromium.
export default defineConfig({
  test: { include: ["tests/browser/**/*.browser.ts"], testTimeout: 30_000, fileParallelism: false },
});
