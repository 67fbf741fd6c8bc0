//! The `record!` macro: a mapping with known keys.
//!
//! Not the meaning of the keys: the modules under `file` have it.

use watchkeeper_domain::Code;

use super::Context;
use crate::diagnostic::Diagnostic;
use crate::suggest;
use crate::yaml::{Key, Kind, Node};

/// Declares a mapping of the file: its keys with aliases, from which the reading code and the JSON schema come.
macro_rules! record {
    (
        $(#[$meta:meta])*
        $name:ident, $what:literal {
            $( $(#[doc = $doc:literal])* $field:ident: $ty:ty = $key:literal $(| $alias:literal)*; )*
        }
    ) => {
        $(#[$meta])*
        #[derive(Debug, Clone, schemars::JsonSchema)]
        #[schemars(deny_unknown_fields)]
        pub(crate) struct $name {
            /// Where the mapping stands.
            #[schemars(skip)]
            #[allow(dead_code, reason = "every record has its place; not every one needs it yet")]
            pub(crate) place: $crate::place::Place,
            $(
                $(#[doc = $doc])*
                #[schemars(rename = $key)]
                pub(crate) $field: $ty,
            )*
        }

        impl $crate::decode::FromNode for $name {
            fn from_node(node: &$crate::yaml::Node, cx: &mut $crate::decode::Context<'_>) -> Option<Self> {
                const KEYS: &[&str] = &[$($key),*];
                const ALIASES: &[&str] = &[$($($alias,)*)*];
                let pairs = $crate::decode::record::pairs(node, $what, KEYS, ALIASES, cx)?;
                $(
                    let $field = {
                        let found = pairs.iter().find(|(k, _)| k.text == $key $(|| k.text == $alias)*);
                        let outer = std::mem::replace(&mut cx.at, ($what, $key));
                        let value = match found {
                            Some((_, node)) => <$ty as $crate::decode::FromNode>::from_node(node, cx),
                            None => {
                                let absent = <$ty as $crate::decode::FromNode>::absent();
                                if absent.is_none() {
                                    $crate::decode::record::missing(node, $what, $key, cx);
                                }
                                absent
                            }
                        };
                        cx.at = outer;
                        value.or_else(<$ty as $crate::decode::FromNode>::absent)
                    };
                )*
                Some(Self { place: node.place.clone(), $($field: $field?),* })
            }
        }
    };
}
pub(crate) use record;

/// Keys of Alertmanager, Prometheus and others that mean something there and nothing here, with what to do instead.
const ELSEWHERE: &[(&str, &str)] = &[
    (
        "global",
        "write `smtp:` for the mail server and each receiver's own `webhook_url`, or name the whole file: `alertmanager_config: alertmanager.yml`",
    ),
    ("templates", "messages are laid out by Watchkeeper; remove the key"),
    ("scrape_protocols", "Watchkeeper asks for OpenMetrics and the text format; remove the key"),
    ("follow_redirects", "a redirect is never followed; name the URL that answers"),
    ("dns_sd_configs", "not supported yet; use `file_sd_configs` or `http_sd_configs`"),
    (
        "kubernetes_sd_configs",
        "not supported; use `http_sd_configs`, or let a collector scrape and send it by remote write",
    ),
    ("password_file", "write `password: ${file:PATH}`"),
    ("credentials_file", "write `credentials: ${file:PATH}`"),
    ("mrkdwn", "messages are laid out by Watchkeeper; remove the key"),
];

/// The pairs of a mapping; problems for unknown keys.
pub(crate) fn pairs<'n>(
    node: &'n Node,
    what: &str,
    keys: &[&str],
    aliases: &[&str],
    cx: &mut Context<'_>,
) -> Option<&'n [(Key, Node)]> {
    const NONE: &[(Key, Node)] = &[];
    let pairs = match &node.kind {
        Kind::Mapping(pairs) => pairs,
        _ if node.is_null() => return Some(NONE),
        _ => {
            let message = format!("{what} must be a mapping, not {}", node.describe());
            cx.invalid(&node.place, message, Some(format!("keys: {}", keys.join(", "))));
            return None;
        }
    };
    for (key, _) in pairs {
        if keys.contains(&key.text.as_str()) || aliases.contains(&key.text.as_str()) {
            continue;
        }
        let shown: String = key.text.chars().take(80).collect();
        let help = match ELSEWHERE.iter().find(|(k, _)| *k == key.text) {
            Some((_, advice)) => (*advice).to_owned(),
            None => suggest::help(&key.text, keys),
        };
        cx.error(
            Diagnostic::at(Code::ConfigUnknownKey, &key.place, format!("`{shown}` is not a key of {what}")).help(help),
        );
    }
    Some(pairs)
}

/// The problem of a key that must be there.
pub(crate) fn missing(node: &Node, what: &str, key: &str, cx: &mut Context<'_>) {
    cx.invalid(&node.place, format!("{what} needs the key `{key}`"), None);
}
