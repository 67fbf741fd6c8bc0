// What stood beside an alert when it fired.

import { Anchor, Text } from "@mantine/core";
import { Link } from "@tanstack/react-router";
import type { Evidence } from "../../api/types.ts";
import { Flow } from "../../parts/Flow.tsx";
import { SafeLink } from "../../parts/Labels.tsx";
import { Section } from "../../parts/Page.tsx";
import { When } from "../../parts/When.tsx";
import { evidenceLook } from "../../parts/words.ts";
import { internalPath } from "../../url/safeLink.ts";

export function EvidenceList({ evidence }: { evidence: Evidence[] }) {
  if (evidence.length === 0) return null;
  return (
    <Section title="Evidence" count={evidence.length}>
      <Flow
        label="Evidence"
        items={evidence.map((piece, index) => ({
          key: `${index}-${piece.kind}`,
          look: evidenceLook(piece.kind),
          head: (
            <Text size="sm" fw={600}>
              {piece.title}
            </Text>
          ),
          aside: piece.at && <When at={piece.at} />,
          body: (
            <>
              {piece.detail && (
                <Text size="sm" c="dimmed" className="wk-wrap" style={{ whiteSpace: "pre-wrap" }}>
                  {piece.detail}
                </Text>
              )}
              {piece.link && <EvidenceLink href={piece.link} />}
            </>
          ),
        }))}
      />
    </Section>
  );
}

function EvidenceLink({ href }: { href: string }) {
  const path = internalPath(href);
  return path ? (
    <Anchor component={Link} to={path} size="sm">
      Look at it
    </Anchor>
  ) : (
    <Text size="sm">
      <SafeLink href={href} />
    </Text>
  );
}
