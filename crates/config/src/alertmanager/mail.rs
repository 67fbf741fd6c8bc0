//! E-mail: whom it goes to, and the one mail server that Watchkeeper knows.
//!
//! Not the sending.

use super::secret::Wanted;
use super::translate::{Translator, mapping, scalar, set, text};
use crate::yaml::Node;

/// The port where TLS begins with the connection.
const IMPLICIT_TLS: &str = "465";

impl Translator<'_, '_> {
    pub(super) fn email(&mut self, node: &Node, receiver: &str) -> Option<Node> {
        let to = set(node, "to")?;
        if text(to).is_some_and(|to| to.contains("{{")) {
            self.left(&to.place, &format!("e-mail of the receiver `{receiver}`"), "its address is a template");
            return None;
        }
        let to = self.plain(to);
        self.server(node, receiver)?;
        Some(mapping(&node.place, vec![("to", to), ("send_resolved", self.send_resolved(node, false))]))
    }

    /// The mail server of an integration becomes `smtp`; another one than the first is left behind.
    fn server(&mut self, node: &Node, receiver: &str) -> Option<()> {
        let global = self.global.clone();
        let of = |own: &str, common: &str| set(node, own).or_else(|| set(&global, common)).cloned();
        let smarthost = of("smarthost", "smtp_smarthost")?;
        let from = of("from", "smtp_from")?;
        let written = text(&smarthost).unwrap_or_default().to_owned();
        let Some((host, port)) = written.rsplit_once(':').filter(|(_, port)| port.parse::<u16>().is_ok()) else {
            let help = "write host and port, for example `mail.example.org:587`".to_owned();
            self.cx.invalid(&smarthost.place, format!("`{written}` is no host with a port"), Some(help));
            return None;
        };
        let username = of("auth_username", "smtp_auth_username");
        let identity = format!(
            "{written} {} {}",
            text(&from).unwrap_or_default(),
            username.as_ref().and_then(text).unwrap_or_default()
        );
        if let Some((first, _)) = &self.smtp {
            if *first != identity {
                let reason = "all mail leaves through the server that the first one names, under `smtp`";
                self.left(&node.place, &format!("the mail server of the receiver `{receiver}`"), reason);
            }
            return Some(());
        }
        let host = host.trim_matches(['[', ']']);
        let host = if host.is_empty() { "localhost" } else { host };
        let local = host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback());
        let open = of("require_tls", "smtp_require_tls").filter(|required| text(required) == Some("false"));
        let tls = match &open {
            _ if port == IMPLICIT_TLS => "tls",
            Some(_) if local => "none",
            Some(required) => {
                let reason = "mail to another machine is always encrypted; `starttls` is written";
                self.left(&required.place, "`require_tls: false`", reason);
                "starttls"
            }
            None => "starttls",
        };
        let place = &smarthost.place;
        let mut pairs = vec![
            ("host", scalar(place, host.replace("${", "$${"))),
            ("port", scalar(place, port)),
            ("tls", scalar(open.as_ref().map_or(place, |open| &open.place), tls)),
            ("from", self.plain(&from)),
        ];
        if let Some(username) = &username {
            pairs.push(("username", self.plain(username)));
        }
        let owner = format!("{receiver}_smtp");
        let wanted = Wanted { key: "auth_password", global: Some("smtp_auth_password"), owner: &owner, url: false };
        pairs.extend(self.secret(node, &wanted).map(|password| ("password", password)));
        self.smtp = Some((identity, mapping(place, pairs)));
        Some(())
    }
}
