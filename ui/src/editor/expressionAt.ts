// Finds the expression of a rule around a place in the text of a rule group.
// Not a YAML parser: while somebody types, the text is seldom YAML.

export type FoundExpression = { text: string; from: number };

/** The value of the `expr:` that `pos` stands in, on one line or as a block; none elsewhere. */
export function expressionAt(text: string, pos: number): FoundExpression | null {
  const lines: { from: number; text: string }[] = [];
  let from = 0;
  for (const line of text.split("\n")) {
    lines.push({ from, text: line });
    from += line.length + 1;
  }
  let index = lines.findLastIndex((line) => line.from <= pos);
  const at = index;
  for (; index >= 0; index--) {
    const line = lines[index];
    const key = /^(\s*(?:- )?)expr:[ \t]*/.exec(line?.text ?? "");
    if (!line || !key) {
      // A block goes on as long as lines are empty or indented; a key of the rule ends it.
      if (/^\s*(?:- )?[a-z_]+:(\s|$)/.test(line?.text ?? "")) return null;
      continue;
    }
    const value = line.text.slice(key[0].length);
    if (!/^[|>][-+0-9]*\s*$/.test(value)) {
      if (index !== at) return null;
      const quote = /^['"]/.test(value) ? 1 : 0;
      const begins = line.from + key[0].length + quote;
      if (pos < begins) return null;
      const rest = text.slice(begins, line.from + line.text.length);
      return { from: begins, text: quote && rest.endsWith(value[0] ?? "") ? rest.slice(0, -1) : rest };
    }
    if (index === at) return null;
    const indent = (key[1] ?? "").length;
    let last = index + 1;
    while (last < lines.length) {
      const next = lines[last]?.text ?? "";
      if (next.trim() !== "" && next.length - next.trimStart().length <= indent) break;
      last++;
    }
    const begins = lines[index + 1]?.from ?? text.length;
    const end = lines[last - 1];
    return end && at < last ? { from: begins, text: text.slice(begins, end.from + end.text.length) } : null;
  }
  return null;
}
