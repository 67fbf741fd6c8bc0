// The typed HTTP client. One place where a failed answer becomes an `ApiError`.

import createClient from "openapi-fetch";
import { problemFrom } from "./problem.ts";
import type { paths } from "./schema.gen.ts";

export const api = createClient<paths>({ baseUrl: "/", credentials: "same-origin" });

/** Waits for an answer and gives its data, or throws the problem. */
export async function take<T>(answer: Promise<{ data?: T; error?: unknown; response: Response }>): Promise<T> {
  const { data, error, response } = await answer;
  if (!response.ok) throw problemFrom(response.status, error);
  return data as T;
}
