//! One HTTP request of a probe, and whether its answer is as expected.
//!
//! Not connections: `network` opens them.

use bytes::Bytes;
use http::{HeaderName, HeaderValue, Method, Request, Response, header};
use http_body_util::{BodyExt, Empty};
use hyper::body::Incoming;
use hyper_util::rt::TokioIo;
use regex::Regex;
use url::Url;
use watchkeeper_config::Secret;
use watchkeeper_config::model::probe::HttpProbe;
use watchkeeper_lang::jinja;

use super::network::{Progress, Stream};

/// How much of a body is looked at.
const MOST_BODY: usize = 1 << 20;
/// The largest compiled regular expression.
const REGEX_SIZE: usize = 1 << 20;

/// What the answer must be.
pub(super) struct Expected {
    status: Vec<u16>,
    body: Option<Regex>,
    headers: Vec<(HeaderName, Regex)>,
    json: Vec<String>,
    most_body: Option<u64>,
}

impl Expected {
    pub(super) fn new(probe: &HttpProbe) -> Result<Self, String> {
        let compile = |key: &str, text: &str| {
            regex::RegexBuilder::new(text)
                .size_limit(REGEX_SIZE)
                .build()
                .map_err(|e| format!("the probe's `{key}` is not usable: {e}"))
        };
        let header = |(name, regex): &(String, String)| {
            let name =
                HeaderName::from_bytes(name.as_bytes()).map_err(|_| format!("`{name}` is no name of a header"))?;
            Ok((name, compile("expect_headers", regex)?))
        };
        Ok(Self {
            status: probe.expect_status.clone(),
            body: probe.expect_body.as_deref().map(|text| compile("expect_body", text)).transpose()?,
            headers: probe.expect_headers.iter().map(header).collect::<Result<_, String>>()?,
            json: probe.expect_json.clone(),
            most_body: probe.max_body,
        })
    }

    fn accepts(&self, status: u16) -> bool {
        if self.status.is_empty() { (200..300).contains(&status) } else { self.status.contains(&status) }
    }
}

type Driver = std::pin::Pin<Box<dyn Future<Output = std::convert::Infallible> + Send>>;

/// An answer whose body is still to be read, with the connection that has to be driven meanwhile.
pub(super) struct Answer {
    response: Response<Incoming>,
    driver: Driver,
}

/// Sends the request; ends when the answer's head is there.
pub(super) async fn send(
    stream: Box<dyn Stream>,
    url: &Url,
    method: &str,
    headers: &[(String, Secret)],
    progress: &Progress<'_>,
) -> Result<Answer, String> {
    let request = build(url, method, headers)?;
    let exchange = async {
        let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream))
            .await
            .map_err(|e| format!("HTTP could not begin: {e}"))?;
        // The connection's own end is told through the sender and the body; it only has to be driven.
        let mut driver: Driver = Box::pin(async move {
            if let Err(error) = connection.await {
                tracing::debug!(%error, "a probe's connection ended");
            }
            std::future::pending().await
        });
        let response = tokio::select! {
            biased;
            response = sender.send_request(request) => response,
            never = &mut driver => match never {},
        };
        let response = response.map_err(|e| format!("no usable answer: {}", with_source(&e)))?;
        Ok(Answer { response, driver })
    };
    progress.phase("waiting for the first byte", |p| &mut p.processing, exchange).await
}

fn build(url: &Url, method: &str, headers: &[(String, Secret)]) -> Result<Request<Empty<Bytes>>, String> {
    let method = Method::from_bytes(method.as_bytes()).map_err(|_| format!("`{method}` is not an HTTP method"))?;
    let host = url.host_str().unwrap_or_default();
    let authority = url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"));
    let path = url.query().map_or_else(|| url.path().to_owned(), |query| format!("{}?{query}", url.path()));
    let mut request = Request::builder()
        .method(method)
        .uri(path)
        .header(header::HOST, authority)
        .header(header::USER_AGENT, "Watchkeeper-Probe")
        .header(header::ACCEPT, "*/*")
        .header(header::CONNECTION, "close")
        .body(Empty::new())
        .map_err(|e| format!("the probe's URL makes no request: {e}"))?;
    for (name, value) in headers {
        // The value may be a secret: only its name is told.
        let refused = || format!("the probe's header `{name}` is not usable");
        let header = HeaderName::from_bytes(name.as_bytes()).map_err(|_| refused())?;
        let mut value = HeaderValue::from_str(value.expose()).map_err(|_| refused())?;
        value.set_sensitive(true);
        request.headers_mut().insert(header, value);
    }
    Ok(request)
}

/// Where the answer sends us, when it does and that is the same host.
pub(super) fn redirect(answer: &Answer, url: &Url, expected: &Expected) -> Result<Option<Url>, String> {
    let status = answer.response.status();
    if !status.is_redirection() || expected.accepts(status.as_u16()) {
        return Ok(None);
    }
    let Some(location) = answer.response.headers().get(header::LOCATION).and_then(|l| l.to_str().ok()) else {
        return Ok(None);
    };
    let next = url.join(location).map_err(|_| "the answer redirects to something that is no URL".to_owned())?;
    if next.host_str() != url.host_str() || (url.scheme() == "https" && next.scheme() != "https") {
        let to = next.host_str().unwrap_or_default();
        return Err(format!("the answer redirects to `{}://{to}`, which probes do not follow", next.scheme()));
    }
    Ok(Some(next))
}

/// Reads the body and judges the answer.
pub(super) async fn check(answer: Answer, expected: &Expected, progress: &Progress<'_>) -> Result<(), String> {
    let Answer { response, mut driver } = answer;
    let (status, headers) = (response.status(), response.headers().clone());
    progress.finding.lock().status = Some(status.as_u16());
    let read = async {
        tokio::select! {
            biased;
            body = read(response.into_body(), expected.most_body) => body,
            never = &mut driver => match never {},
        }
    };
    let body = progress.phase("reading the answer", |p| &mut p.transfer, read).await?;
    if !expected.accepts(status.as_u16()) {
        return Err(format!("the status is {status}"));
    }
    for (name, regex) in &expected.headers {
        let mut values = headers.get_all(name).iter().peekable();
        if values.peek().is_none() {
            return Err(format!("the answer has no header `{name}`"));
        }
        if !values.any(|value| regex.is_match(&String::from_utf8_lossy(value.as_bytes()))) {
            return Err(format!("the header `{name}` does not match `{regex}`"));
        }
    }
    if let Some(regex) = expected.body.as_ref().filter(|regex| !regex.is_match(&String::from_utf8_lossy(&body))) {
        progress.finding.lock().failed_by_regex = true;
        return Err(format!("the body does not match `{regex}`"));
    }
    json(&expected.json, &body)
}

/// Whether the expressions hold for a body in JSON.
fn json(expressions: &[String], body: &[u8]) -> Result<(), String> {
    if expressions.is_empty() {
        return Ok(());
    }
    let value = serde_json::from_slice(body).map_err(|e| format!("the body is not usable JSON: {e}"))?;
    let names = jinja::Names::new(&value);
    for expression in expressions {
        let holds = jinja::eval(expression, &names).map_err(|e| format!("`expect_json`: {e}"))?;
        if !jinja::is_true(&holds) {
            return Err(format!("`{expression}` does not hold for the body"));
        }
    }
    Ok(())
}

/// The first MiB of a body. One that is longer than it may be is refused as soon as that shows.
async fn read(mut body: Incoming, most: Option<u64>) -> Result<Vec<u8>, String> {
    let (mut kept, mut seen) = (Vec::new(), 0_u64);
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|e| format!("the answer broke off: {}", with_source(&e)))?;
        let Some(data) = frame.data_ref() else { continue };
        seen += data.len() as u64;
        kept.extend(data.iter().take(MOST_BODY - kept.len()));
        if let Some(most) = most.filter(|most| seen > *most) {
            return Err(format!("the body is longer than {most} bytes"));
        }
        if kept.len() == MOST_BODY && most.is_none() {
            break;
        }
    }
    Ok(kept)
}

fn with_source(error: &hyper::Error) -> String {
    match std::error::Error::source(error) {
        Some(source) => format!("{error}: {source}"),
        None => error.to_string(),
    }
}
