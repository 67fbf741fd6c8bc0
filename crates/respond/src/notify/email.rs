//! E-mail, over SMTP (RFC 5321): text and HTML, the chart inside, one conversation per thread.
//!
//! Not a mail client library's `send`: the dialogue is led step by step, because only that tells whether the message had
//! left when something broke. Before `DATA` nothing was said and it may be repeated; after it nobody knows.

pub mod render;

use std::time::Duration;

use futures::future::BoxFuture;
use lettre::Address;
use lettre::transport::smtp::authentication::{Credentials, Mechanism};
use lettre::transport::smtp::client::{AsyncSmtpConnection, TlsParameters};
use lettre::transport::smtp::commands::{Data, Mail, Rcpt};
use lettre::transport::smtp::extension::ClientId;
use lettre::transport::smtp::response::Response;
use watchkeeper_config::model::{EmailIntegration, SmtpServer, SmtpTls};
use watchkeeper_domain::{Env, Span};

use super::channel::{Channel, Outgoing, SendResult};
use super::deliver::Settings;
use super::scrub::Scrub;
use crate::client::excerpt;
use crate::client::reach::{self, Addresses};

/// How long one attempt may take: RFC 5321 is patient with mail servers, a page is not.
const TIMEOUT: Span = Span::from_secs(30);
/// How long a connection, and one step of the dialogue, may take.
const STEP: Duration = Duration::from_secs(10);

/// An e-mail receiver.
pub struct Email {
    to: Vec<String>,
    smtp: Option<SmtpServer>,
    external_url: String,
    env: Env,
    secrets: Scrub,
}

impl Email {
    /// A channel for one integration.
    #[must_use]
    pub fn new(integration: &EmailIntegration, settings: &Settings, env: Env) -> Self {
        let password = settings.smtp.as_ref().and_then(|smtp| smtp.password.as_ref());
        Self {
            to: integration.to.clone(),
            smtp: settings.smtp.clone(),
            external_url: settings.external_url.clone(),
            env,
            secrets: password.map(|secret| Scrub::default().and(secret)).unwrap_or_default(),
        }
    }

    async fn attempt(&self, message: &Outgoing) -> SendResult {
        let never = |error: String| SendResult::Failed { status: None, error };
        let Some(smtp) = &self.smtp else {
            return never("no mail server is configured; set `smtp`".to_owned());
        };
        let mail = match render::mail(message, &smtp.from, &self.to, &self.external_url, self.env.now()) {
            Ok(mail) => mail,
            Err(error) => return never(error),
        };
        let result = async {
            let mut connection = connect(smtp).await?;
            let from = mail.envelope().from().cloned();
            let result = say(&mut connection, from, mail.envelope().to(), &mail.formatted(), message).await;
            connection.abort().await;
            result
        };
        match result.await {
            Ok(response) => SendResult::Delivered { status: response.code().into(), receipt: reply(&response) },
            Err(trouble) => trouble.judge(message.left.is_marked()),
        }
    }
}

impl Channel for Email {
    fn send<'a>(&'a self, message: &'a Outgoing) -> BoxFuture<'a, SendResult> {
        Box::pin(self.attempt(message))
    }
    fn preview(&self, message: &Outgoing) -> Result<String, String> {
        Ok(format!("To: {}\n{}", self.to.join(", "), render::preview(message, &self.external_url)))
    }
    fn timeout(&self) -> Span {
        TIMEOUT
    }
    fn secrets(&self) -> &Scrub {
        &self.secrets
    }
    fn wants_chart(&self) -> bool {
        true
    }
}

/// What went wrong on the way.
#[derive(Debug)]
enum Trouble {
    /// The server said no, or the connection broke.
    Smtp(lettre::transport::smtp::Error),
    /// No connection.
    Connect(std::io::Error),
    /// It takes none of the recipients, or cannot do what is configured.
    Refused(String),
}

impl From<lettre::transport::smtp::Error> for Trouble {
    fn from(error: lettre::transport::smtp::Error) -> Self {
        Self::Smtp(error)
    }
}

impl Trouble {
    fn judge(self, left: bool) -> SendResult {
        match self {
            Self::Connect(error) => SendResult::Retry {
                status: None,
                error: format!("no connection to the mail server: {error}"),
                after: None,
            },
            Self::Refused(error) => SendResult::Failed { status: None, error },
            Self::Smtp(error) => {
                let (status, permanent) = (error.status().map(u16::from), error.is_permanent());
                let text = words(&error);
                match status {
                    Some(_) if permanent => SendResult::Failed { status, error: text },
                    Some(_) => SendResult::Retry { status, error: text, after: None },
                    None if left => SendResult::Unknown {
                        error: format!("the connection broke after the message was sent: {text}"),
                    },
                    None => SendResult::Retry { status: None, error: text, after: None },
                }
            }
        }
    }
}

fn words(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut inner = error.source();
    while let Some(source) = inner {
        text = format!("{text}: {source}");
        inner = source.source();
    }
    excerpt(&text)
}

fn reply(response: &Response) -> String {
    excerpt(&format!("{} {}", response.code(), response.message().collect::<Vec<_>>().join(" ")))
}

async fn connect(smtp: &SmtpServer) -> Result<AsyncSmtpConnection, Trouble> {
    // Plain text reaches loopback and private networks only, like plain http.
    let reachable = if smtp.tls == SmtpTls::None { Addresses::Private } else { Addresses::Any };
    let addresses = reach::resolve(&smtp.host, smtp.port, reachable).await.map_err(Trouble::Connect)?;
    let tls = || TlsParameters::new(smtp.host.clone());
    let hello = ClientId::default();
    let outer = if smtp.tls == SmtpTls::Tls { Some(tls()?) } else { None };
    let mut connection =
        AsyncSmtpConnection::connect_tokio1(addresses.as_slice(), Some(STEP), &hello, outer, None).await?;
    if smtp.tls == SmtpTls::Starttls {
        if !connection.can_starttls() {
            connection.abort().await;
            return Err(Trouble::Refused(format!(
                "the mail server {} offers no STARTTLS, and the password and the message are not sent in plain text; \
                 set `tls: tls`, or `tls: none` on loopback",
                smtp.host
            )));
        }
        connection.starttls(tls()?, &hello).await?;
    }
    if let (Some(user), Some(password)) = (&smtp.username, &smtp.password) {
        let credentials = Credentials::new(user.clone(), password.expose().to_owned());
        connection.auth(&[Mechanism::Plain, Mechanism::Login], &credentials).await?;
    }
    Ok(connection)
}

/// MAIL, RCPT, DATA and the message. Recipients that are refused are left out as long as one is taken.
async fn say(
    connection: &mut AsyncSmtpConnection,
    from: Option<Address>,
    to: &[Address],
    mail: &[u8],
    message: &Outgoing,
) -> Result<Response, Trouble> {
    connection.command(Mail::new(from, Vec::new())).await?;
    let mut taken = 0;
    let mut refused = None;
    for recipient in to {
        match connection.command(Rcpt::new(recipient.clone(), Vec::new())).await {
            Ok(_) => taken += 1,
            Err(error) if error.is_permanent() || error.is_transient() => refused = Some(error),
            Err(error) => return Err(error.into()),
        }
    }
    if taken == 0 {
        return Err(refused.map_or_else(|| Trouble::Refused("the receiver has no address".to_owned()), Trouble::Smtp));
    }
    connection.command(Data).await?;
    message.left.mark();
    Ok(connection.message(mail).await?)
}
