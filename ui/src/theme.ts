// The look: one calm blue-green for what can be acted on, one lamp amber for identity; states have colours of their own.

import { createTheme, type MantineColorsTuple } from "@mantine/core";

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
  primaryShade: { light: 8, dark: 6 },
  colors: { sea, lamp },
  autoContrast: true,
  defaultRadius: "sm",
  fontSizes: { xs: "0.75rem", sm: "0.85rem", md: "0.9rem", lg: "1.05rem", xl: "1.2rem" },
  fontFamily: "Inter, 'Segoe UI', system-ui, -apple-system, 'Helvetica Neue', Arial, sans-serif",
  fontFamilyMonospace: "'JetBrains Mono', 'SF Mono', 'Cascadia Mono', Menlo, Consolas, monospace",
  headings: {
    fontWeight: "600",
    sizes: { h1: { fontSize: "1.4rem" }, h2: { fontSize: "1.1rem" }, h3: { fontSize: "1rem" } },
  },
  components: {
    Tooltip: { defaultProps: { withArrow: true, openDelay: 300, multiline: true, maw: 420 } },
    Button: { defaultProps: { size: "xs" } },
    Table: { defaultProps: { verticalSpacing: 7, horizontalSpacing: "sm", highlightOnHover: true } },
    Badge: {
      defaultProps: { variant: "light", radius: "sm" },
      classNames: { root: "wk-badge", label: "wk-badge-label" },
    },
  },
});
