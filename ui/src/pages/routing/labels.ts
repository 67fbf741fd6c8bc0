// Labels as people write them: one per line or separated by commas, `name=value`, quotes around the value or not.

/** What cannot be read is left out: the answer shows what was understood. */
export function labelsOf(text: string): Record<string, string> {
  const labels: Record<string, string> = {};
  for (const line of text.split(/[\n,]/)) {
    const at = line.indexOf("=");
    if (at <= 0) continue;
    const name = line.slice(0, at).trim();
    const value = line
      .slice(at + 1)
      .trim()
      .replace(/^"(.*)"$/, "$1");
    if (name !== "" && value !== "") labels[name] = value;
  }
  return labels;
}
