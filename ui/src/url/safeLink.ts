// Which texts may become a link. Annotations and receipts come from outside: `javascript:` and its kin must stay text.

/** The address when it is http or https and absolute, else null. */
export function externalLink(text: string | null | undefined): string | null {
  if (!text || text.length > 2_000) return null;
  try {
    const url = new URL(text);
    return url.protocol === "http:" || url.protocol === "https:" ? url.href : null;
  } catch {
    return null;
  }
}

/** The path when it leads to a page of this console, else null: one slash at the start, no scheme, no host. */
export function internalPath(text: string | null | undefined): string | null {
  if (!text || text.length > 2_000 || !/^\/[A-Za-z0-9]/.test(text)) return null;
  const url = new URL(text, "http://console.invalid");
  return url.host === "console.invalid" && !url.pathname.startsWith("/api/") ? url.pathname + url.search : null;
}

const PAGES: Record<string, string> = { alr: "/alerts", inc: "/incidents", run: "/runs" };

/** The page of an object by its id (`alr_…`); null where it has none of its own. */
export function objectPath(id: string): string | null {
  const found = /^([a-z]{3})_[0-9a-f]{32}$/.exec(id);
  const page = found?.[1] === undefined ? undefined : PAGES[found[1]];
  return page === undefined ? null : `${page}/${id}`;
}
