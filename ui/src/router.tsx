// The pages and their addresses. Each page is loaded when it is first opened; its search parameters are typed here.

import { createRootRoute, createRoute, createRouter, lazyRouteComponent, redirect } from "@tanstack/react-router";
import { NotFoundPage, PageFailed } from "./app/Fallbacks.tsx";
import { Shell } from "./app/Shell.tsx";
import NowPage from "./pages/NowPage.tsx";
import { onCallSearch } from "./pages/oncall/search.ts";
import * as search from "./url/search.ts";

const root = createRootRoute({ component: Shell, notFoundComponent: NotFoundPage });
const getParentRoute = () => root;

const now = createRoute({ getParentRoute, path: "/", component: NowPage });
const alerts = createRoute({
  getParentRoute,
  path: "/alerts",
  validateSearch: search.alertSearch,
  component: lazyRouteComponent(() => import("./pages/AlertsPage.tsx")),
});
const alert = createRoute({
  getParentRoute,
  path: "/alerts/$id",
  component: lazyRouteComponent(() => import("./pages/AlertPage.tsx")),
});
const silences = createRoute({
  getParentRoute,
  path: "/silences",
  validateSearch: search.silenceSearch,
  component: lazyRouteComponent(() => import("./pages/SilencesPage.tsx")),
});
const incidents = createRoute({
  getParentRoute,
  path: "/incidents",
  validateSearch: search.incidentListSearch,
  component: lazyRouteComponent(() => import("./pages/IncidentsPage.tsx")),
});
const incident = createRoute({
  getParentRoute,
  path: "/incidents/$id",
  validateSearch: search.incidentSearch,
  component: lazyRouteComponent(() => import("./pages/IncidentPage.tsx")),
});
const onCall = createRoute({
  getParentRoute,
  path: "/on-call",
  validateSearch: onCallSearch,
  component: lazyRouteComponent(() => import("./pages/OnCallPage.tsx")),
});
const rules = createRoute({
  getParentRoute,
  path: "/rules",
  validateSearch: search.ruleSearch,
  component: lazyRouteComponent(() => import("./pages/RulesPage.tsx")),
});
const rule = createRoute({
  getParentRoute,
  path: "/rules/view/$group/$name",
  component: lazyRouteComponent(() => import("./pages/RulePage.tsx")),
});
const ruleGroups = createRoute({
  getParentRoute,
  path: "/rules/groups",
  component: lazyRouteComponent(() => import("./pages/RuleGroupsPage.tsx")),
});
const ruleGroup = createRoute({
  getParentRoute,
  path: "/rules/groups/$name",
  component: lazyRouteComponent(() => import("./pages/RuleGroupPage.tsx")),
});
const newRuleGroup = createRoute({
  getParentRoute,
  path: "/rules/new",
  component: lazyRouteComponent(() => import("./pages/NewRuleGroupPage.tsx")),
});
const backtest = createRoute({
  getParentRoute,
  path: "/rules/backtest",
  validateSearch: search.backtestSearch,
  component: lazyRouteComponent(() => import("./pages/BacktestPage.tsx")),
});
const workflows = createRoute({
  getParentRoute,
  path: "/workflows",
  validateSearch: search.runSearch,
  component: lazyRouteComponent(() => import("./pages/WorkflowsPage.tsx")),
});
const run = createRoute({
  getParentRoute,
  path: "/runs/$id",
  component: lazyRouteComponent(() => import("./pages/RunPage.tsx")),
});
const telemetry = createRoute({
  getParentRoute,
  path: "/telemetry",
  beforeLoad: () => {
    throw redirect({ to: "/telemetry/metrics" });
  },
});
const metrics = createRoute({
  getParentRoute,
  path: "/telemetry/metrics",
  validateSearch: search.metricsSearch,
  component: lazyRouteComponent(() => import("./pages/MetricsPage.tsx")),
});
const logs = createRoute({
  getParentRoute,
  path: "/telemetry/logs",
  validateSearch: search.logsSearch,
  component: lazyRouteComponent(() => import("./pages/LogsPage.tsx")),
});
const traces = createRoute({
  getParentRoute,
  path: "/telemetry/traces",
  validateSearch: search.tracesSearch,
  component: lazyRouteComponent(() => import("./pages/TracesPage.tsx")),
});
const trace = createRoute({
  getParentRoute,
  path: "/telemetry/traces/$id",
  component: lazyRouteComponent(() => import("./pages/TracePage.tsx")),
});
const map = createRoute({
  getParentRoute,
  path: "/telemetry/map",
  validateSearch: search.rangeSearch,
  component: lazyRouteComponent(() => import("./pages/MapPage.tsx")),
});
const deliveries = createRoute({
  getParentRoute,
  path: "/deliveries",
  validateSearch: search.deliverySearch,
  component: lazyRouteComponent(() => import("./pages/DeliveriesPage.tsx")),
});
const notification = createRoute({
  getParentRoute,
  path: "/deliveries/$id",
  component: lazyRouteComponent(() => import("./pages/NotificationPage.tsx")),
});
const routing = createRoute({
  getParentRoute,
  path: "/routing",
  validateSearch: search.routingSearch,
  component: lazyRouteComponent(() => import("./pages/RoutingPage.tsx")),
});
const selfWatch = createRoute({
  getParentRoute,
  path: "/self-watch",
  component: lazyRouteComponent(() => import("./pages/SelfWatchPage.tsx")),
});
const ledger = createRoute({
  getParentRoute,
  path: "/ledger",
  validateSearch: search.ledgerSearch,
  component: lazyRouteComponent(() => import("./pages/LedgerPage.tsx")),
});
const probes = createRoute({
  getParentRoute,
  path: "/probes",
  component: lazyRouteComponent(() => import("./pages/ProbesPage.tsx")),
});
const targets = createRoute({
  getParentRoute,
  path: "/targets",
  validateSearch: search.targetSearch,
  component: lazyRouteComponent(() => import("./pages/TargetsPage.tsx")),
});
const heartbeats = createRoute({
  getParentRoute,
  path: "/heartbeats",
  component: lazyRouteComponent(() => import("./pages/HeartbeatsPage.tsx")),
});
const changes = createRoute({
  getParentRoute,
  path: "/changes",
  validateSearch: search.changeSearch,
  component: lazyRouteComponent(() => import("./pages/ChangesPage.tsx")),
});
const settings = createRoute({
  getParentRoute,
  path: "/settings",
  component: lazyRouteComponent(() => import("./pages/SettingsPage.tsx")),
});
const demo = createRoute({
  getParentRoute,
  path: "/demo",
  component: lazyRouteComponent(() => import("./pages/DemoPage.tsx")),
});

export const router = createRouter({
  routeTree: root.addChildren([
    now,
    alerts,
    alert,
    silences,
    incidents,
    incident,
    onCall,
    rules,
    rule,
    ruleGroups,
    ruleGroup,
    newRuleGroup,
    backtest,
    workflows,
    run,
    telemetry,
    metrics,
    logs,
    traces,
    trace,
    map,
    deliveries,
    notification,
    routing,
    selfWatch,
    ledger,
    probes,
    targets,
    heartbeats,
    changes,
    settings,
    demo,
  ]),
  defaultPreload: "intent",
  defaultErrorComponent: PageFailed,
  scrollRestoration: true,
  parseSearch: search.parseSearch,
  stringifySearch: search.stringifySearch,
});

declare module "@tanstack/react-router" {
  interface Register {
    router: typeof router;
  }
}
