// One notification: what led to it, each attempt with its receipt, who took it, and what was called off beside it.

import { Anchor } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { getRouteApi, Link } from "@tanstack/react-router";
import { notification, notificationExplanation } from "../api/queries.ts";
import type { Notification } from "../api/types.ts";
import { plural } from "../format/number.ts";
import { Facts, Page, Section } from "../parts/Page.tsx";
import { Loaded } from "../parts/Problem.tsx";
import { StateBadge } from "../parts/StateBadge.tsx";
import { At } from "../parts/When.tsx";
import { Explanation } from "./alert/Explanation.tsx";
import { Attempts } from "./delivery/DeliveryTable.tsx";

const route = getRouteApi("/deliveries/$id");

export default function NotificationPage() {
  const { id } = route.useParams();
  const query = useQuery(notification(id));
  const explained = useQuery(notificationExplanation(id));
  return (
    <Page
      title={query.data?.title ?? "Notification"}
      above={
        <Anchor component={Link} to="/deliveries" inherit>
          Deliveries
        </Anchor>
      }
      badges={query.data && <StateBadge state={query.data.state} size="lg" />}
      lead={id}
    >
      <Loaded query={query}>{(n) => <About notification={n} />}</Loaded>
      <Section title="Why, and what became of it">
        <Loaded query={explained}>{(e) => <Explanation explanation={e} />}</Loaded>
      </Section>
    </Page>
  );
}

function About({ notification: n }: { notification: Notification }) {
  const facts: [string, React.ReactNode][] = [
    ["To", `${n.receiver} over ${n.channel}${n.target ? ` (${n.target})` : ""}`],
    ["Says", n.reason],
    ["Intended", <At key="at" at={n.created_at} />],
  ];
  if (n.alert_ids[0]) {
    facts.push([
      "About",
      <Link key="alert" to="/alerts/$id" params={{ id: n.alert_ids[0] }}>
        {plural(n.alert_ids.length, "alert")}
      </Link>,
    ]);
  }
  if (n.incident_id) {
    facts.push([
      "Incident",
      <Link key="incident" to="/incidents/$id" params={{ id: n.incident_id }}>
        {n.incident_id}
      </Link>,
    ]);
  }
  return (
    <>
      <Section title="About this notification">
        <Facts items={facts} />
      </Section>
      <Section title="Attempts" count={n.attempts.length}>
        <Attempts notification={n} />
      </Section>
    </>
  );
}
