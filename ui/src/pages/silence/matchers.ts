// Alertmanager's matcher notation, as far as a silence for one alert needs it.

/** One matcher per label; quotes, backslashes and line breaks in values are escaped. */
export function matchersFor({ name, labels }: { name: string; labels: Record<string, string> }): string[] {
  const all = { alertname: name, ...labels };
  return Object.entries(all).map(([label, value]) => `${label}="${escaped(value)}"`);
}

function escaped(value: string): string {
  return value.replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll("\n", "\\n");
}

/** The lines of a form's text that say something. */
export function matcherLines(text: string): string[] {
  return text
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line !== "");
}
