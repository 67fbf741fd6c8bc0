import { defineConfig } from "vitest/config";

// Apart from the unit tests, because these need a build and a Chromium.
export default defineConfig({
  test: {
    include: ["tests/browser/**/*.browser.ts"],
    fileParallelism: false,
    // Waits look at the state and end when it is there; these only end what hangs, on a machine that is busy with more than this.
    testTimeout: 60_000,
    expect: { poll: { timeout: 20_000 } },
  },
});
