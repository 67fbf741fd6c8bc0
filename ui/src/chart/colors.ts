// The colours of lines and services. Apart from the chart, so that who only needs a colour loads no chart.

/** Ten colours that keep apart in both schemes and for most kinds of colour blindness (after Okabe and Ito). */
const LIGHT = [
  "#12708f",
  "#c2570c",
  "#5b3fb8",
  "#2f7d4f",
  "#a3196b",
  "#7a6200",
  "#1f5fbf",
  "#8a3324",
  "#4a5a66",
  "#0f8a8a",
];
const DARK = [
  "#58b4d1",
  "#f2a154",
  "#a995f5",
  "#6ccf94",
  "#f07fbb",
  "#d8c04a",
  "#7fb0ff",
  "#e38f7f",
  "#a9b8c2",
  "#5fd4d4",
];

export function lineColor(index: number, dark: boolean): string {
  const colors = dark ? DARK : LIGHT;
  return colors[index % colors.length] ?? "#12708f";
}
