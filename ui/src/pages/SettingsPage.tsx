// What is running: addresses, files, numbers of objects, retention. Read only; secrets are never shown.

import { Code, List } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { me, settings } from "../api/queries.ts";
import { Facts, Page, Section } from "../parts/Page.tsx";
import { Loaded } from "../parts/Problem.tsx";

export default function SettingsPage() {
  const query = useQuery(settings());
  const person = useQuery(me());
  return (
    <Page title="Settings" lead="Configuration lives in files; reload with SIGHUP or POST /-/reload.">
      <Loaded query={person}>
        {(p) => (
          <Section title="You">
            <Facts
              items={[
                ["Name", p.name],
                ["Role", p.role],
                ["Server's time zone", p.time_zone],
                ["Version", p.version],
              ]}
            />
          </Section>
        )}
      </Loaded>
      <Loaded query={query}>
        {(s) => (
          <>
            <Section title="Running">
              <Facts
                items={[
                  ["Listens on", s.listen.join(", ")],
                  ["Data folder", <Code key="d">{s.data_dir}</Code>],
                  ["Integrations", s.integrations.join(", ") || "none"],
                  ...Object.entries(s.counts).map(([name, n]): [string, string] => [name, n.toLocaleString("en")]),
                  ...Object.entries(s.retention).map(([name, length]): [string, string] => [
                    `Retention of ${name}`,
                    length,
                  ]),
                ]}
              />
            </Section>
            <Section title="Files" count={s.files.length}>
              <List size="sm">
                {s.files.map((file) => (
                  <List.Item key={file}>
                    <Code>{file}</Code>
                  </List.Item>
                ))}
              </List>
            </Section>
          </>
        )}
      </Loaded>
    </Page>
  );
}
