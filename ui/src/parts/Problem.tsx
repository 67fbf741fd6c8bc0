// What is shown when a request failed: the code, what happened, and a way to try again.

import { Alert, Button, Code, Group, Skeleton, Stack, Text } from "@mantine/core";
import type { UseQueryResult } from "@tanstack/react-query";
import type { ReactNode } from "react";
import { asApiError } from "../api/problem.ts";
import { Icon } from "./icons.tsx";

export function ProblemNotice({ error, retry }: { error: unknown; retry?: () => void }) {
  const problem = asApiError(error);
  return (
    <Alert
      color="red"
      variant="light"
      icon={<Icon name="failed" />}
      title={problem.title || "Something went wrong"}
      role="alert"
    >
      <Stack gap="xs" align="flex-start">
        <Text size="sm" className="wk-wrap">
          {problem.detail}
        </Text>
        <Group gap="sm">
          <Code>{problem.code}</Code>
          {retry && (
            <Button variant="default" onClick={retry} leftSection={<Icon name="running" size={14} />}>
              Try again
            </Button>
          )}
          {problem.status === 401 && (
            <Button component="a" href="/login" variant="light">
              Sign in
            </Button>
          )}
        </Group>
      </Stack>
    </Alert>
  );
}

/** Shows a query: its data when there is any, a skeleton before the first, and the problem beside stale data. */
export function Loaded<T>({
  query,
  children,
  lines = 4,
}: {
  query: UseQueryResult<T>;
  children: (data: T) => ReactNode;
  lines?: number;
}) {
  if (query.data === undefined) {
    if (query.isError) return <ProblemNotice error={query.error} retry={() => void query.refetch()} />;
    return (
      <Stack gap="sm" role="status" aria-busy="true" aria-label="Loading">
        {Array.from({ length: lines }, (_, index) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: the lines are all alike and never move
          <Skeleton key={index} height={28} radius="sm" />
        ))}
      </Stack>
    );
  }
  return (
    <>
      {query.isError && (
        <Stack mb="md">
          <Text size="sm" c="dimmed">
            What follows is what was last known; refreshing it failed.
          </Text>
          <ProblemNotice error={query.error} retry={() => void query.refetch()} />
        </Stack>
      )}
      {children(query.data)}
    </>
  );
}
