//! The messages that the stand-in has taken, and what became of them.
//!
//! Not kept on disk and bounded in number: the stand-in is for looking, not for records.

use parking_lot::Mutex;
use serde::Serialize;
use serde_json::Value;
use tokio::sync::watch;
use watchkeeper_domain::Timestamp;

/// Older messages are forgotten.
const MOST_MESSAGES: usize = 500;
/// How often an app may answer over one `response_url`, as Slack has it.
const MOST_ANSWERS: u32 = 5;
/// For how long an app may answer over one `response_url`: 30 minutes, in microseconds.
const ANSWER_WINDOW: i64 = 30 * 60 * 1_000_000;

/// One message as it stands in the channel.
#[derive(Debug, Clone, Serialize)]
pub struct Message {
    /// Slack's name for a message: seconds with six digits.
    pub ts: String,
    /// When it came.
    pub received_at: Timestamp,
    /// What was posted, or what replaced it.
    pub payload: Value,
    /// How often it was replaced.
    pub edits: u32,
    /// What was said in its thread, payloads in order.
    pub thread: Vec<Reply>,
}

/// One answer in a message's thread.
#[derive(Debug, Clone, Serialize)]
pub struct Reply {
    /// When.
    pub at: Timestamp,
    /// Seen by the person who pressed only.
    pub ephemeral: bool,
    /// What.
    pub payload: Value,
}

#[derive(Debug)]
struct Answerable {
    token: String,
    ts: String,
    since: Timestamp,
    used: u32,
}

#[derive(Debug, Default)]
struct Inner {
    messages: Vec<Message>,
    answerable: Vec<Answerable>,
    last_ts: i64,
}

/// All messages; `version` grows with every change.
#[derive(Debug)]
pub(super) struct Store {
    inner: Mutex<Inner>,
    version: watch::Sender<u64>,
}

impl Store {
    pub(super) fn new() -> Self {
        Self { inner: Mutex::default(), version: watch::Sender::new(0) }
    }

    /// Takes a message and names it.
    pub(super) fn post(&self, now: Timestamp, payload: Value) -> String {
        let mut inner = self.inner.lock();
        inner.last_ts = now.as_micros().max(inner.last_ts + 1);
        let ts = format!("{}.{:06}", inner.last_ts / 1_000_000, inner.last_ts % 1_000_000);
        inner.messages.push(Message { ts: ts.clone(), received_at: now, payload, edits: 0, thread: Vec::new() });
        let excess = inner.messages.len().saturating_sub(MOST_MESSAGES);
        inner.messages.drain(..excess);
        drop(inner);
        self.changed();
        ts
    }

    pub(super) fn messages(&self) -> (u64, Vec<Message>) {
        let version = *self.version.borrow();
        (version, self.inner.lock().messages.clone())
    }

    pub(super) fn find(&self, ts: &str) -> Option<Message> {
        self.inner.lock().messages.iter().find(|m| m.ts == ts).cloned()
    }

    /// Opens a `response_url` for a message.
    pub(super) fn open_answer(&self, token: &str, ts: &str, now: Timestamp) {
        let mut inner = self.inner.lock();
        inner.answerable.retain(|a| now.since(a.since).as_micros() < ANSWER_WINDOW);
        inner.answerable.push(Answerable { token: token.to_owned(), ts: ts.to_owned(), since: now, used: 0 });
    }

    /// An app's answer over a `response_url`; refused in Slack's words when it is used up or unknown.
    pub(super) fn answer(&self, token: &str, now: Timestamp, payload: Value) -> Result<(), &'static str> {
        let mut inner = self.inner.lock();
        let open = inner.answerable.iter_mut().find(|a| a.token == token).ok_or("invalid_url")?;
        if open.used >= MOST_ANSWERS {
            return Err("used_url");
        }
        if now.since(open.since).as_micros() >= ANSWER_WINDOW {
            return Err("expired_url");
        }
        open.used += 1;
        let ts = open.ts.clone();
        let flag = |name: &str| payload.get(name).and_then(Value::as_bool).unwrap_or(false);
        let (replace, delete) = (flag("replace_original"), flag("delete_original"));
        if delete {
            inner.messages.retain(|m| m.ts != ts);
        } else if let Some(message) = inner.messages.iter_mut().find(|m| m.ts == ts) {
            if replace {
                message.payload = payload;
                message.edits += 1;
            } else {
                let ephemeral = payload.get("response_type").and_then(Value::as_str) != Some("in_channel");
                message.thread.push(Reply { at: now, ephemeral, payload });
            }
        }
        drop(inner);
        self.changed();
        Ok(())
    }

    /// Waits until something changed since `version`.
    pub(super) async fn changed_since(&self, version: u64) {
        let mut seen = self.version.subscribe();
        // An error means that the store is gone, and with it the one who waits.
        drop(seen.wait_for(|now| *now != version).await);
    }

    /// Waits until there are at least `count` messages.
    pub(super) async fn at_least(&self, count: usize) -> Vec<Message> {
        let mut seen = self.version.subscribe();
        loop {
            let messages = self.inner.lock().messages.clone();
            if messages.len() >= count || seen.changed().await.is_err() {
                return messages;
            }
        }
    }

    fn changed(&self) {
        self.version.send_modify(|v| *v += 1);
    }
}
