// One of each, through version 3 of the SDK for Node, which speaks https only.
process.env.OTEL_SERVICE_NAME = "ai-node3";
// It sends five traces a second when nobody says otherwise.
process.env.OTEL_TRACES_SAMPLER = "always_on";
const appInsights = require("applicationinsights");
appInsights.setup(process.argv.at(-1))
  .setAutoCollectRequests(false).setAutoCollectDependencies(false).setAutoCollectPerformance(false).setAutoCollectConsole(false)
  .setSendLiveMetrics(false);
appInsights.start();
const client = appInsights.defaultClient;
client.trackRequest({ name: "GET /checkout", url: "http://shop/checkout", duration: 309, resultCode: "500", success: false });
client.trackDependency({ name: "pay", data: "http://pay.local/pay", target: "pay.local", dependencyTypeName: "HTTP", duration: 12, resultCode: "503", success: false });
client.trackException({ exception: new Error("boom") });
client.trackTrace({ message: "card declined", severity: "Warning" });
client.trackEvent({ name: "OrderPlaced", properties: { o: "42" } });
client.trackMetric({ name: "queue", value: 7 });
client.trackAvailability({ id: "a", name: "ping", duration: 120, success: false, runLocation: "eu", message: "no route" });
client.flush().then(() => { console.log("flushed"); process.exit(0); });
