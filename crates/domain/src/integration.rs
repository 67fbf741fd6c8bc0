//! One way to reach a receiver, as those see it who have something to say but know no channel.
//!
//! Not the channel's settings: those are in the configuration, and only delivery reads them.

/// One integration of a receiver: `slack`, `email`, `webhook`, and `slack:1` for the second of a kind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Integration {
    /// The key that delivery finds it by.
    pub key: String,
    /// Whether it wants to hear that an alert resolved.
    pub send_resolved: bool,
}

impl Integration {
    /// The key of the integration that calls people by an escalation policy: `incident::escalation` takes its rows, and
    /// no channel does.
    pub const ON_CALL: &'static str = "on-call";
}
