//! The stand-in judged by Slack's own client: `slack_sdk` from PyPI posts to it and reads its answers.

use std::process::Stdio;

use serde_json::Value;
use tokio::process::Command;
use watchkeeper_testkit::{python, slack::StandIn};

const SCRIPT: &str = r#"
import json, sys
from slack_sdk.webhook import WebhookClient
from slack_sdk.models.blocks import HeaderBlock, SectionBlock, ActionsBlock, ButtonElement
from slack_sdk.signature import SignatureVerifier

hook, secret = sys.argv[1], sys.argv[2]
client = WebhookClient(hook)
blocks = [
    HeaderBlock(text="[FIRING:1] HighErrorRate checkout (Critical)"),
    SectionBlock(text="*What* 7.3 &gt; 5"),
    ActionsBlock(elements=[ButtonElement(text="Acknowledge", action_id="ack", value="1")]),
]
good = client.send(text="fallback", blocks=blocks)
bad = client.send_dict({"blocks": [{"type": "header", "text": {"type": "plain_text", "text": "x" * 151}}]})
print(json.dumps({
    "good": [good.status_code, good.body],
    "bad": [bad.status_code, bad.body],
    "signature": SignatureVerifier(secret).generate_signature(timestamp="1531420618", body="test-body"),
}))
"#;

#[tokio::test]
async fn slacks_own_client_is_understood_and_understands() {
    let python = match python::with_packages("slack_sdk", &["slack_sdk==3.33.5"]).await {
        Ok(python) => python,
        Err(why) => return println!("skipped: no slack_sdk: {why}"),
    };
    let (_, clock) = watchkeeper_testkit::env();
    let slack = StandIn::start(clock, "http://127.0.0.1:1/", "secret").await.expect("loopback");
    let output = Command::new(python)
        .args(["-c", SCRIPT, &slack.webhook_url("token"), "signing-secret"])
        .env_remove("HTTP_PROXY")
        .env_remove("http_proxy")
        .stderr(Stdio::inherit())
        .kill_on_drop(true)
        .output()
        .await
        .expect("Python runs");
    let said: Value = serde_json::from_slice(&output.stdout).expect("the script prints JSON");
    assert_eq!(said["good"], serde_json::json!([200, "ok"]));
    assert_eq!(said["bad"], serde_json::json!([400, "invalid_blocks"]));
    let ours = watchkeeper_testkit::slack::press::signature("signing-secret", "1531420618", b"test-body");
    assert_eq!(said["signature"], ours.as_str());
    let message = &slack.messages()[0].payload;
    assert_eq!(message["blocks"][2]["elements"][0]["action_id"], "ack");
}
