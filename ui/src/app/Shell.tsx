// The frame around every page: navigation, the live state, the palette, the keyboard.

import {
  ActionIcon,
  AppShell,
  Burger,
  Group,
  Tooltip,
  useComputedColorScheme,
  useMantineColorScheme,
} from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { openSpotlight } from "@mantine/spotlight";
import { Link, Outlet, useNavigate, useRouterState } from "@tanstack/react-router";
import { useEffect } from "react";
import { Icon } from "../parts/icons.tsx";
import { ZoneToggle } from "../parts/When.tsx";
import { Announcer } from "./Announcer.tsx";
import { KeyHelp } from "./KeyHelp.tsx";
import { LiveBadge } from "./LiveBadge.tsx";
import { Mark } from "./Mark.tsx";
import { Navigation } from "./Navigation.tsx";
import { Palette } from "./Palette.tsx";
import { useCommand, useKeyboard } from "./useKeys.ts";

export function Shell() {
  const [menu, { toggle, close }] = useDisclosure(false);
  const [help, helpState] = useDisclosure(false);
  const navigate = useNavigate();
  const path = useRouterState({ select: (state) => state.location.pathname });
  useKeyboard();
  useCommand((command) => {
    if (command.kind === "go") void navigate({ to: command.to });
    if (command.kind === "help") helpState.toggle();
    if (command.kind === "search") document.querySelector<HTMLInputElement>("[data-search]")?.focus();
  });
  // biome-ignore lint/correctness/useExhaustiveDependencies: the menu closes whenever the page changes
  useEffect(close, [path]);

  return (
    <AppShell
      header={{ height: 52 }}
      navbar={{ width: 208, breakpoint: "sm", collapsed: { mobile: !menu } }}
      padding={{ base: "sm", sm: "lg" }}
    >
      <a href="#page-title" className="wk-skip">
        Skip to the page
      </a>
      <AppShell.Header>
        <Group h="100%" px="md" justify="space-between" wrap="nowrap">
          <Group gap="sm" wrap="nowrap">
            <Burger opened={menu} onClick={toggle} hiddenFrom="sm" size="sm" aria-label="Menu" />
            <Link to="/" className="wk-brand" aria-label="Watchkeeper: what is wrong now">
              <Mark />
              <span>Watchkeeper</span>
            </Link>
          </Group>
          <Group gap={8} wrap="nowrap">
            <LiveBadge />
            <ZoneToggle />
            <Tooltip label="Search and commands (Ctrl K)">
              <ActionIcon variant="default" size="md" onClick={openSpotlight} aria-label="Search and commands">
                <Icon name="search" />
              </ActionIcon>
            </Tooltip>
            <SchemeToggle />
          </Group>
        </Group>
      </AppShell.Header>
      <AppShell.Navbar p="xs" className="wk-nav">
        <Navigation />
      </AppShell.Navbar>
      <AppShell.Main>
        <Outlet />
      </AppShell.Main>
      <Palette />
      <KeyHelp opened={help} onClose={helpState.close} />
      <Announcer />
    </AppShell>
  );
}

function SchemeToggle() {
  const { setColorScheme } = useMantineColorScheme();
  const dark = useComputedColorScheme("light") === "dark";
  const label = dark ? "Light colours" : "Dark colours";
  return (
    <Tooltip label={label}>
      <ActionIcon
        variant="default"
        size="md"
        onClick={() => setColorScheme(dark ? "light" : "dark")}
        aria-label={label}
      >
        <Icon name={dark ? "sun" : "moon"} />
      </ActionIcon>
    </Tooltip>
  );
}
