// What can go wrong with a request, as one type that pages show: the server's problem, or a problem of the way there.

import type { Problem } from "./types.ts";

/** A request that failed. `code` is the server's (`WK…`), or `NETWORK` when no answer came. */
export class ApiError extends Error {
  readonly code: string;
  readonly title: string;
  readonly detail: string;
  readonly status: number;

  constructor(problem: Omit<Problem, "type">) {
    super(`${problem.code} ${problem.title}: ${problem.detail}`);
    this.name = "ApiError";
    this.code = problem.code;
    this.title = problem.title;
    this.detail = problem.detail;
    this.status = problem.status;
  }
}

/** Reads a problem out of whatever body came with a status that means failure. */
export function problemFrom(status: number, body: unknown): ApiError {
  if (typeof body === "object" && body !== null) {
    const b = body as Record<string, unknown>;
    if (typeof b.code === "string" && typeof b.detail === "string") {
      return new ApiError({ code: b.code, title: String(b.title ?? ""), detail: b.detail, status });
    }
    // The Prometheus read API has a form of its own.
    if (b.status === "error" && typeof b.error === "string") {
      return new ApiError({ code: String(b.errorType ?? "error"), title: "The query failed", detail: b.error, status });
    }
  }
  return new ApiError({
    code: `HTTP ${status}`,
    title: "An answer without a problem description",
    detail: "Something between this page and Watchkeeper answered, or an older version did. Reload the page.",
    status,
  });
}

/** Turns anything thrown into something to show. */
export function asApiError(error: unknown): ApiError {
  if (error instanceof ApiError) return error;
  return new ApiError({
    code: "NETWORK",
    title: "Watchkeeper does not answer",
    detail: `No answer came (${error instanceof Error ? error.message : String(error)}). Check that the server runs and that this machine reaches it.`,
    status: 0,
  });
}
