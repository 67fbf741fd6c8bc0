// One of each, through version 2 of the SDK for Node.
const appInsights = require("applicationinsights");
const client = new appInsights.TelemetryClient(process.argv.at(-1));
client.context.tags[client.context.keys.cloudRole] = "ai-node2";
client.context.tags[client.context.keys.cloudRoleInstance] = "one";
client.trackRequest({ name: "GET /checkout", url: "http://shop/checkout", duration: 309, resultCode: 500, success: false });
client.trackDependency({ name: "pay", data: "SELECT 1", target: "db", dependencyTypeName: "SQL", duration: 12, resultCode: 0, success: true });
client.trackException({ exception: new Error("boom") });
client.trackTrace({ message: "card declined", severity: 2 });
client.trackEvent({ name: "OrderPlaced", properties: { o: "42" }, measurements: { amount: 9.5 } });
client.trackMetric({ name: "queue", value: 7 });
client.trackAvailability({ id: "a", name: "ping", duration: 120, success: false, runLocation: "eu", message: "no route" });
client.trackPageView({ name: "Home", url: "http://shop/", duration: 2100 });
client.flush({ callback: (said) => { console.log(said); } });
