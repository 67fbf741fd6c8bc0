// What the pages of rules read and write: one rule, its history, rule groups with their versions.

import { queryOptions } from "@tanstack/react-query";
import { checkExpression } from "../editor/check.ts";
import { api, take } from "./client.ts";
import type { ChangeKind } from "./types.ts";

const V1 = "/api/watchkeeper/v1";
const meta: { kinds: ChangeKind[] } = { kinds: ["rule"] };

export const rule = (group: string, name: string) =>
  queryOptions({
    queryKey: ["rule", group, name],
    queryFn: () => take(api.GET(`${V1}/rules/{group}/{name}`, { params: { path: { group, name } } })),
    meta: { kinds: ["rule", "alert"] satisfies ChangeKind[] },
    refetchInterval: 10_000,
  });

export const ruleHistory = (group: string, name: string) =>
  queryOptions({
    queryKey: ["rule-history", group, name],
    queryFn: () => take(api.GET(`${V1}/rules/{group}/{name}/history`, { params: { path: { group, name } } })),
    meta: { kinds: ["rule", "alert"] satisfies ChangeKind[] },
    refetchInterval: 10_000,
  });

export const ruleGroups = () =>
  queryOptions({ queryKey: ["rule-groups"], queryFn: () => take(api.GET(`${V1}/rule-groups`)), meta });

export const ruleGroup = (name: string) =>
  queryOptions({
    queryKey: ["rule-group", name],
    queryFn: () => take(api.GET(`${V1}/rule-groups/{name}`, { params: { path: { name } } })),
    meta,
  });

export const ruleGroupVersions = (name: string) =>
  queryOptions({
    queryKey: ["rule-group-versions", name],
    queryFn: () => take(api.GET(`${V1}/rule-groups/{name}/versions`, { params: { path: { name } } })),
    meta,
  });

export const expressionChecked = (expr: string) =>
  queryOptions({
    queryKey: ["expression", expr],
    enabled: expr.trim() !== "",
    queryFn: () => checkExpression(expr),
    staleTime: 30_000,
    placeholderData: (previous) => previous,
  });

export type PutRuleGroup = { name: string; source: string; reason: string; version: number };
export const putRuleGroup = ({ name, ...body }: PutRuleGroup) =>
  take(api.PUT(`${V1}/rule-groups/{name}`, { params: { path: { name } }, body }));

export const switchRuleGroup = ({ name, on, reason }: { name: string; on: boolean; reason: string }) => {
  const options = { params: { path: { name } }, body: { reason } };
  return on
    ? take(api.POST(`${V1}/rule-groups/{name}/enable`, options))
    : take(api.POST(`${V1}/rule-groups/{name}/disable`, options));
};

export const rollBackRuleGroup = ({ name, version, reason }: { name: string; version: number; reason: string }) =>
  take(api.POST(`${V1}/rule-groups/{name}/rollback`, { params: { path: { name } }, body: { version, reason } }));

export const deleteRuleGroup = ({ name, reason }: { name: string; reason: string }) =>
  take(api.DELETE(`${V1}/rule-groups/{name}`, { params: { path: { name }, query: { reason } } }));
