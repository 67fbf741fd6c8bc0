// What is shown when there is no such page, or when a page itself failed.

import { Button, Code, Group } from "@mantine/core";
import { type ErrorComponentProps, Link } from "@tanstack/react-router";
import { Empty } from "../parts/Empty.tsx";
import { Page } from "../parts/Page.tsx";

export function NotFoundPage() {
  return (
    <Page title="No such page">
      <Empty title="There is nothing at this address" icon="unknown">
        The link may be from another version. What is wrong now is on the first page.
      </Empty>
      <Group>
        <Button component={Link} to="/">
          Go to Now
        </Button>
      </Group>
    </Page>
  );
}

export function PageFailed({ error }: ErrorComponentProps) {
  return (
    <Page title="This page failed">
      <p>
        The console met something that it cannot show. This is a fault of the page, not of what is watched. After an
        upgrade, reloading helps.
      </p>
      <Code block>{error instanceof Error ? error.message : String(error)}</Code>
      <Group>
        <Button onClick={() => window.location.reload()}>Reload</Button>
      </Group>
    </Page>
  );
}
