//! The keys that Alertmanager knows in each mapping of its file, what becomes of them, and what it insists on.
//!
//! Not the translation. Source: Alertmanager's configuration reference and the structs behind it, up to 0.31.

mod foreign;

pub(super) use foreign::FOREIGN;

/// Why something is left behind.
type Reason = &'static str;

const LOOK: Reason = "messages are laid out by Watchkeeper, with the same facts on every channel";
const HTTP: Reason = "the HTTP client has no settings of its own here; proxies and client certificates are not used";
const CREDENTIALS: Reason = "a webhook is sent a bearer token and a signature; the receiving end must take one of them";
const MAIL: Reason = "there is one mail server, under `smtp`";
const CHANNEL: Reason = "an incoming webhook posts into the channel that it was made for";
const TIMING: Reason = "an attempt has a time limit of its own";
const NOT_SPOKEN: Reason = "the integration is not one of Watchkeeper's";
const WHOLE: Reason = "a message always names all alerts that it is about";

/// A mapping of the file.
pub(super) struct Mapping {
    /// What people call it.
    pub(super) what: &'static str,
    /// Keys that are translated.
    pub(super) carried: &'static [&'static str],
    /// Keys that are known and left behind, with the reason.
    pub(super) left: &'static [(Reason, &'static [&'static str])],
    /// What must be there.
    pub(super) needs: &'static [Need],
}

/// One of these keys must have a value, in the mapping itself or under `global`.
pub(super) struct Need {
    pub(super) any: &'static [&'static str],
    pub(super) global: &'static [&'static str],
}

const fn need(any: &'static [&'static str], global: &'static [&'static str]) -> Need {
    Need { any, global }
}

impl Mapping {
    /// All keys that are known here.
    pub(super) fn known(&self) -> impl Iterator<Item = &'static str> {
        self.carried.iter().chain(self.left.iter().flat_map(|(_, keys)| keys.iter())).copied()
    }

    /// Why a known key is left behind.
    pub(super) fn reason(&self, key: &str) -> Option<Reason> {
        self.left.iter().find(|(_, keys)| keys.contains(&key)).map(|(reason, _)| *reason)
    }
}

pub(super) const ROOT: Mapping = Mapping {
    what: "Alertmanager's file",
    carried: &["global", "route", "inhibit_rules", "receivers", "time_intervals", "mute_time_intervals"],
    left: &[
        (LOOK, &["templates"]),
        ("it is Alertmanager's own tracing; Watchkeeper's own metrics are at `/metrics`", &["tracing"]),
    ],
    needs: &[need(&["route"], &[])],
};

pub(super) const GLOBAL: Mapping = Mapping {
    what: "`global`",
    carried: &[
        "resolve_timeout",
        "smtp_from",
        "smtp_smarthost",
        "smtp_auth_username",
        "smtp_auth_password",
        "smtp_auth_password_file",
        "smtp_require_tls",
        "slack_api_url",
        "slack_api_url_file",
        "slack_app_token",
        "slack_app_token_file",
        "pagerduty_url",
        "opsgenie_api_url",
        "opsgenie_api_key",
        "opsgenie_api_key_file",
        "telegram_api_url",
        "telegram_bot_token",
        "telegram_bot_token_file",
        // What belongs to integrations that are not spoken is named where they are used.
        "wechat_api_url",
        "wechat_api_secret",
        "wechat_api_secret_file",
        "wechat_api_corp_id",
        "victorops_api_url",
        "victorops_api_key",
        "victorops_api_key_file",
        "webex_api_url",
        "rocketchat_api_url",
        "rocketchat_token",
        "rocketchat_token_file",
        "rocketchat_token_id",
        "rocketchat_token_id_file",
        "mattermost_webhook_url",
        "mattermost_webhook_url_file",
        "jira_api_url",
    ],
    left: &[
        (HTTP, &["http_config", "slack_app_url"]),
        (
            "the mail server is asked with user name and password over TLS only",
            &[
                "smtp_hello",
                "smtp_auth_secret",
                "smtp_auth_secret_file",
                "smtp_auth_identity",
                "smtp_tls_config",
                "smtp_force_implicit_tls",
            ],
        ),
    ],
    needs: &[],
};

pub(super) const ROUTE: Mapping = Mapping {
    what: "a route",
    carried: &[
        "receiver",
        "group_by",
        "group_wait",
        "group_interval",
        "repeat_interval",
        "matchers",
        "match",
        "match_re",
        "continue",
        "mute_time_intervals",
        "active_time_intervals",
        "labels",
        "routes",
    ],
    left: &[],
    needs: &[],
};

pub(super) const INHIBIT: Mapping = Mapping {
    what: "an inhibit rule",
    carried: &[
        "source_match",
        "source_match_re",
        "source_matchers",
        "target_match",
        "target_match_re",
        "target_matchers",
        "equal",
    ],
    left: &[("names of inhibit rules are Alertmanager's own", &["name"])],
    needs: &[],
};

pub(super) const EMAIL: Mapping = Mapping {
    what: "`email_configs`",
    carried: &[
        "send_resolved",
        "to",
        "from",
        "smarthost",
        "auth_username",
        "auth_password",
        "auth_password_file",
        "require_tls",
    ],
    left: &[
        (LOOK, &["headers", "html", "text", "threading"]),
        (MAIL, &["hello", "auth_secret", "auth_secret_file", "auth_identity", "tls_config", "force_implicit_tls"]),
    ],
    needs: &[need(&["to"], &[]), need(&["smarthost"], &["smtp_smarthost"]), need(&["from"], &["smtp_from"])],
};

pub(super) const SLACK: Mapping = Mapping {
    what: "`slack_configs`",
    carried: &["send_resolved", "api_url", "api_url_file", "app_token", "app_token_file", "update_message"],
    left: &[
        (HTTP, &["http_config", "app_url"]),
        (TIMING, &["timeout"]),
        (CHANNEL, &["channel", "username", "icon_emoji", "icon_url", "link_names"]),
        (
            LOOK,
            &[
                "color",
                "title",
                "title_link",
                "pretext",
                "text",
                "message_text",
                "fields",
                "short_fields",
                "footer",
                "fallback",
                "callback_id",
                "image_url",
                "thumb_url",
                "mrkdwn_in",
                "actions",
                "blocks",
            ],
        ),
    ],
    needs: &[need(
        &["api_url", "api_url_file", "app_token", "app_token_file"],
        &["slack_api_url", "slack_api_url_file", "slack_app_token", "slack_app_token_file"],
    )],
};

pub(super) const WEBHOOK: Mapping = Mapping {
    what: "`webhook_configs`",
    carried: &["send_resolved", "url", "url_file", "timeout", "http_config"],
    left: &[(WHOLE, &["max_alerts"]), (LOOK, &["payload"])],
    needs: &[need(&["url", "url_file"], &[])],
};

pub(super) const HTTP_CONFIG: Mapping = Mapping {
    what: "`http_config`",
    carried: &["authorization", "bearer_token", "bearer_token_file"],
    left: &[
        (CREDENTIALS, &["basic_auth", "oauth2"]),
        (
            HTTP,
            &[
                "tls_config",
                "follow_redirects",
                "enable_http2",
                "proxy_url",
                "no_proxy",
                "proxy_from_environment",
                "proxy_connect_header",
                "http_headers",
            ],
        ),
    ],
    needs: &[],
};

pub(super) const PAGERDUTY: Mapping = Mapping {
    what: "`pagerduty_configs`",
    carried: &["send_resolved", "routing_key", "routing_key_file", "service_key", "service_key_file", "url"],
    left: &[
        (HTTP, &["http_config"]),
        (TIMING, &["timeout"]),
        (
            LOOK,
            &[
                "client",
                "client_url",
                "description",
                "details",
                "images",
                "links",
                "source",
                "severity",
                "class",
                "component",
                "group",
            ],
        ),
    ],
    needs: &[need(&["routing_key", "routing_key_file", "service_key", "service_key_file"], &[])],
};

pub(super) const OPSGENIE: Mapping = Mapping {
    what: "`opsgenie_configs`",
    carried: &["send_resolved", "api_key", "api_key_file", "api_url", "responders", "tags"],
    left: &[
        (HTTP, &["http_config"]),
        (LOOK, &["message", "description", "source", "details", "entity", "actions", "note", "priority"]),
        ("an alert of Opsgenie is opened and closed, and not changed in between", &["update_alerts"]),
    ],
    needs: &[need(&["api_key", "api_key_file"], &["opsgenie_api_key", "opsgenie_api_key_file"])],
};

pub(super) const TELEGRAM: Mapping = Mapping {
    what: "`telegram_configs`",
    carried: &[
        "send_resolved",
        "api_url",
        "bot_token",
        "bot_token_file",
        "chat_id",
        "chat_id_file",
        "message_thread_id",
    ],
    left: &[(HTTP, &["http_config"]), (LOOK, &["message", "disable_notifications", "parse_mode"])],
    needs: &[
        need(&["bot_token", "bot_token_file"], &["telegram_bot_token", "telegram_bot_token_file"]),
        need(&["chat_id", "chat_id_file"], &[]),
    ],
};

pub(super) const TEAMS: Mapping = Mapping {
    what: "`msteams_configs`",
    carried: &["send_resolved", "webhook_url", "webhook_url_file"],
    left: &[(HTTP, &["http_config"]), (LOOK, &["title", "summary", "text"])],
    needs: &[need(&["webhook_url", "webhook_url_file"], &[])],
};

pub(super) const DISCORD: Mapping = Mapping {
    what: "`discord_configs`",
    carried: &["send_resolved", "webhook_url", "webhook_url_file"],
    left: &[(HTTP, &["http_config"]), (LOOK, &["content", "title", "message", "username", "avatar_url"])],
    needs: &[need(&["webhook_url", "webhook_url_file"], &[])],
};

/// The integrations that Watchkeeper speaks, with their keys there and here.
pub(super) const SPOKEN: &[(&str, &str, &Mapping)] = &[
    ("slack_configs", "slack", &SLACK),
    ("email_configs", "email", &EMAIL),
    ("webhook_configs", "webhook", &WEBHOOK),
    ("pagerduty_configs", "pagerduty", &PAGERDUTY),
    ("opsgenie_configs", "opsgenie", &OPSGENIE),
    ("telegram_configs", "telegram", &TELEGRAM),
    ("msteams_configs", "teams", &TEAMS),
    ("msteamsv2_configs", "teams", &TEAMS),
    ("discord_configs", "discord", &DISCORD),
];

/// Keys of a receiver beside its integrations.
pub(super) const RECEIVER: &[&str] = &["name", "labels"];

/// What is said of an integration that is not spoken.
pub(super) const fn not_spoken() -> Reason {
    NOT_SPOKEN
}
