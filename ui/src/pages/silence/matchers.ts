// Alertmanager's matcher notation, as far as a silence for one alert needs it.

/** One matcher per label; quotes, backslashes and line breaks in values are escaped. */
export function matchersFor(alert: { name: string; labels: Record<string, string> }): string[] {
  return Object.entries(allLabels(alert)).map(([label, value]) => `${label}="${escaped(value)}"`);
}

/** The labels of an alert as matchers see them. */
const allLabels = ({ name, labels }: Labelled) => ({ alertname: name, ...labels });
type Labelled = { name: string; labels: Record<string, string> };

/** More values of one label than this say nothing about what the alerts have in common. */
const MOST_VALUES = 20;

/**
 * Matchers that all of these alerts fulfil, as narrow as one silence can be: each label that all of them have, with its
 * value, or with the values that occur. What else they would match is for the preview to say.
 */
export function matchersForAll(alerts: Labelled[]): string[] {
  const [first, ...others] = alerts;
  if (!first) return [];
  if (others.length === 0) return matchersFor(first);
  return Object.keys(allLabels(first)).flatMap((label) => {
    const values = new Set<string>();
    for (const alert of alerts) {
      const all: Record<string, string> = allLabels(alert);
      const value = all[label];
      if (value === undefined) return [];
      values.add(value);
    }
    const [only] = values;
    if (values.size === 1 && only !== undefined) return [`${label}="${escaped(only)}"`];
    if (values.size > MOST_VALUES) return [];
    return [`${label}=~"${escaped([...values].toSorted().map(literal).join("|"))}"`];
  });
}

/** A text as a regular expression that matches it alone. */
const literal = (text: string): string => text.replaceAll(/[\\^$.*+?()[\]{}|]/g, "\\$&");

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
