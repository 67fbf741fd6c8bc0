// Numbers as people read them: few digits, a unit that fits.

const BINARY = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"];
const DECIMAL = ["", "k", "M", "G", "T"];

/** A measured value in its unit (`ratio`, `seconds`, `bytes`, or anything else for a plain number). */
export function quantity(value: number | null | undefined, unit?: string | null): string {
  if (value === null || value === undefined) return "–";
  if (Number.isNaN(value)) return "not a number";
  if (!Number.isFinite(value)) return value > 0 ? "+infinity" : "−infinity";
  switch (unit) {
    case "ratio":
      return `${digits(value * 100)} %`;
    case "seconds":
      return seconds(value);
    case "bytes":
      return scaled(value, 1_024, BINARY, " ");
    default:
      return scaled(value, 1_000, DECIMAL, "");
  }
}

function seconds(value: number): string {
  const abs = Math.abs(value);
  if (abs === 0) return "0 s";
  if (abs < 1e-3) return `${digits(value * 1e6)} µs`;
  if (abs < 1) return `${digits(value * 1e3)} ms`;
  return `${digits(value)} s`;
}

function scaled(value: number, base: number, names: readonly string[], gap: string): string {
  let scale = 0;
  let rest = value;
  while (Math.abs(rest) >= base && scale < names.length - 1) {
    rest /= base;
    scale += 1;
  }
  const name = names[scale] ?? "";
  return name === "" ? digits(rest) : `${digits(rest)}${gap}${name}`;
}

/** At most three digits that matter, without trailing zeros. */
export function digits(value: number): string {
  if (value === 0) return "0";
  const abs = Math.abs(value);
  if (abs >= 100) return String(Math.round(value));
  if (abs < 1e-4) return value.toExponential(1);
  return String(Number(value.toPrecision(3)));
}

/** A number of objects, `10,000`. */
export const count = (many: number): string => many.toLocaleString("en");

/** `1 alert`, `2 alerts`. */
export function plural(number: number, one: string, many = `${one}s`): string {
  return `${count(number)} ${number === 1 ? one : many}`;
}

/** Microseconds in the unit that fits. */
export function micros(value: number | null | undefined): string {
  return value === null || value === undefined ? "–" : seconds(value / 1e6);
}
