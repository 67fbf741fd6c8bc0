// The look: one calm blue-green for what can be acted on, one lamp amber for identity; states have colours of their own.

import { type CSSVariablesResolver, createTheme, type MantineColorsTuple } from "@mantine/core";

const sea: MantineColorsTuple = [
  "#e8f5f9",
  "#d3e7ee",
  "#a5cfdd",
  "#73b5cb",
  "#4c9fbc",
  "#3391b3",
  "#2280a1",
  "#12708f",
  "#046380",
  "#00566f",
];
const lamp: MantineColorsTuple = [
  "#fff7e1",
  "#ffedcc",
  "#fdd99b",
  "#fbc565",
  "#f9b338",
  "#f8a81c",
  "#f8a20a",
  "#dd8d00",
  "#c47d00",
  "#aa6b00",
];

export const theme = createTheme({
  primaryColor: "sea",
  primaryShade: { light: 8, dark: 7 },
  colors: { sea, lamp },
  defaultRadius: "sm",
  fontSizes: { xs: "0.75rem", sm: "0.85rem", md: "0.9rem", lg: "1.05rem", xl: "1.2rem" },
  fontFamily: "Inter, 'Segoe UI', system-ui, -apple-system, 'Helvetica Neue', Arial, sans-serif",
  fontFamilyMonospace: "'JetBrains Mono', 'SF Mono', 'Cascadia Mono', Menlo, Consolas, monospace",
  headings: {
    fontWeight: "600",
    sizes: { h1: { fontSize: "1.4rem" }, h2: { fontSize: "1.1rem" }, h3: { fontSize: "1rem" } },
  },
  components: {
    Modal: { defaultProps: { closeButtonProps: { "aria-label": "Close" } } },
    Tooltip: { defaultProps: { withArrow: true, openDelay: 300, multiline: true, maw: 420 } },
    Button: { defaultProps: { size: "xs" } },
    Table: { defaultProps: { verticalSpacing: 7, horizontalSpacing: "sm", highlightOnHover: true } },
    Badge: {
      defaultProps: { variant: "light", radius: "sm" },
      classNames: { root: "wk-badge", label: "wk-badge-label" },
    },
  },
});

// Mantine's own shades for text on a tint do not reach the contrast of 4.5 that WCAG AA asks of small text.
// Text on a light tint, and the ground under white text, for each colour that a state may have.
const INK: Record<string, [onTint: string, underWhite: string]> = {
  red: ["#a61e1e", "#c92a2a"],
  orange: ["#8f3a05", "#b0440a"],
  yellow: ["#714700", "#8a5a00"],
  teal: ["#05583f", "#087f5b"],
  blue: ["#15508f", "#1864ab"],
  grape: ["#7a2192", "#862e9c"],
  violet: ["#4f2fb5", "#5f3dc4"],
  gray: ["#495057", "#5c6770"],
};

export const cssVariables: CSSVariablesResolver = () => {
  const filled = Object.fromEntries(
    Object.entries(INK).map(([name, [, ground]]) => [`--mantine-color-${name}-filled`, ground]),
  );
  const onTint = Object.entries(INK).flatMap(([name, [ink]]) => [
    [`--mantine-color-${name}-light-color`, ink],
    [`--mantine-color-${name}-text`, ink],
  ]);
  return {
    variables: {},
    light: {
      ...filled,
      ...Object.fromEntries(onTint),
      "--mantine-color-dimmed": "#58636c",
      "--mantine-color-placeholder": "#66717a",
    },
    dark: {
      ...filled,
      "--mantine-color-dimmed": "#9eabb5",
      "--mantine-color-placeholder": "#8d9aa4",
      "--mantine-color-body": "#11181f",
      "--mantine-color-gray-light-color": "#c5ced6",
    },
  };
};
