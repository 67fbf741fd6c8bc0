// Rule groups: those of files, which are changed in their file, and those that are written here.

import { Anchor, Badge, Button, Text } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { Link, useNavigate } from "@tanstack/react-router";
import { ruleGroups } from "../api/rules.ts";
import type { RuleGroup } from "../api/types.ts";
import { plural } from "../format/number.ts";
import { type Column, DataList } from "../parts/DataList.tsx";
import { Empty } from "../parts/Empty.tsx";
import { Page } from "../parts/Page.tsx";
import { Loaded } from "../parts/Problem.tsx";
import { When } from "../parts/When.tsx";
import { actorWord } from "../parts/words.ts";

const COLUMNS: Column<RuleGroup>[] = [
  {
    header: "Group",
    lead: true,
    cell: (g) =>
      g.origin === "stored" ? (
        <Anchor component={Link} to="/rules/groups/$name" params={{ name: g.name } as never} inherit fw={600}>
          {g.name}
        </Anchor>
      ) : (
        <Anchor component={Link} to="/rules" search={{ q: g.name } as never} inherit fw={600}>
          {g.name}
        </Anchor>
      ),
  },
  {
    header: "From",
    cell: (g) => (
      <Text size="sm" className="wk-wrap">
        {g.file ?? "written here"}
      </Text>
    ),
  },
  { header: "Rules", numeric: true, width: 80, cell: (g) => g.rules },
  {
    header: "State",
    badge: true,
    width: 150,
    cell: (g) =>
      g.problems.length > 0 ? (
        <Badge color="red">{plural(g.problems.length, "problem")}</Badge>
      ) : (
        <Badge color={g.enabled ? "teal" : "gray"} variant="light">
          {g.enabled ? "evaluated" : "not evaluated"}
        </Badge>
      ),
  },
  { header: "Version", numeric: true, width: 85, cell: (g) => g.version ?? "" },
  {
    header: "Changed",
    cell: (g) =>
      g.changed_at && (
        <Text size="sm" className="wk-wrap">
          <When at={g.changed_at} /> by {actorWord(g.changed_by ?? "")}
          {g.reason && ` · ${g.reason}`}
        </Text>
      ),
  },
];

export default function RuleGroupsPage() {
  const query = useQuery(ruleGroups());
  const navigate = useNavigate();
  return (
    <Page
      title="Rule groups"
      above={
        <Anchor component={Link} to="/rules" inherit>
          Rules
        </Anchor>
      }
      lead="Groups of files are changed in their file. Groups that are written here keep every version, with who, when and why."
      actions={<Button renderRoot={(props) => <Link to="/rules/new" {...props} />}>New group</Button>}
    >
      <Loaded query={query}>
        {({ items }) =>
          items.length === 0 ? (
            <Empty title="There is no rule group" icon="rule" command="watchkeeper import pack application">
              Write one here, or begin with a pack:
            </Empty>
          ) : (
            <DataList
              label="Rule groups"
              items={items}
              columns={COLUMNS}
              keyOf={(g) => `${g.file ?? ""}/${g.name}`}
              onOpen={(g) =>
                void navigate(
                  g.origin === "stored"
                    ? { to: "/rules/groups/$name", params: { name: g.name } }
                    : { to: "/rules", search: { q: g.name } },
                )
              }
            />
          )
        }
      </Loaded>
    </Page>
  );
}
