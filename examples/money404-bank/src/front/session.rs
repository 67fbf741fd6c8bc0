//! Customers' sessions: a random name in a cookie, the rest in memory. A restart of `front` logs everybody out.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use http::{HeaderMap, HeaderValue, StatusCode, header};
use parking_lot::Mutex;

use crate::problem::Problem;
use crate::token::Token;
use crate::wire::Customer;

const COOKIE: &str = "money404_session";
const IDLE: Duration = Duration::from_secs(15 * 60);
const MAX_SESSIONS: usize = 10_000;

/// A customer who is logged in.
#[derive(Debug, Clone)]
pub(super) struct Session {
    pub(super) customer: Customer,
    seen: Instant,
}

/// All sessions, by the cookie's value.
#[derive(Default)]
pub(super) struct Sessions(Mutex<HashMap<String, Session>>);

impl Sessions {
    /// Opens a session and returns its cookie's value.
    pub(super) fn open(&self, customer: Customer) -> Result<String, Problem> {
        let mut sessions = self.0.lock();
        if sessions.len() >= MAX_SESSIONS {
            sessions.retain(|_, session| session.seen.elapsed() < IDLE);
            if sessions.len() >= MAX_SESSIONS {
                return Err(Problem::new(StatusCode::SERVICE_UNAVAILABLE, "full", "too many customers are logged in"));
            }
        }
        let name = Token::random().reveal().to_owned();
        sessions.insert(name.clone(), Session { customer, seen: Instant::now() });
        Ok(name)
    }

    /// The session of the request's cookie, unless it was idle for too long.
    pub(super) fn find(&self, headers: &HeaderMap) -> Option<Session> {
        let name = cookie(headers)?;
        let mut sessions = self.0.lock();
        let session = sessions.get_mut(name)?;
        if session.seen.elapsed() >= IDLE {
            sessions.remove(name);
            return None;
        }
        session.seen = Instant::now();
        Some(session.clone())
    }

    /// Ends the session of the request's cookie, if there is one.
    pub(super) fn close(&self, headers: &HeaderMap) {
        if let Some(name) = cookie(headers) {
            self.0.lock().remove(name);
        }
    }
}

/// The header that gives the browser its session.
pub(super) fn set_cookie(name: &str) -> HeaderValue {
    // No `Secure`: the demo is plain HTTP on loopback. `Strict` keeps other sites from posting with it.
    HeaderValue::from_str(&format!("{COOKIE}={name}; HttpOnly; SameSite=Strict; Path=/"))
        .expect("a session's name is hex digits")
}

/// The header that takes it away.
pub(super) fn clear_cookie() -> HeaderValue {
    HeaderValue::from_static("money404_session=; HttpOnly; SameSite=Strict; Path=/; Max-Age=0")
}

fn cookie(headers: &HeaderMap) -> Option<&str> {
    headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .find_map(|(name, value)| (name == COOKIE && !value.is_empty()).then_some(value))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_is_found_by_its_cookie_until_it_is_closed() {
        let sessions = Sessions::default();
        let customer = Customer { id: 7, username: "greta".into(), name: "Greta".into() };
        let name = sessions.open(customer).unwrap();
        let mut headers = HeaderMap::new();
        assert!(sessions.find(&headers).is_none());
        headers.insert(header::COOKIE, format!("other=1; {COOKIE}={name}").parse().unwrap());
        assert_eq!(sessions.find(&headers).unwrap().customer.id, 7);
        sessions.close(&headers);
        assert!(sessions.find(&headers).is_none());
    }
}
