//! Azure's secure webhook: the token by which an action group shows that Azure itself sends.
//!
//! Not logging people in. Source: Microsoft's "Secure webhook" of action groups, "Access tokens" of the identity platform,
//! RFC 7519 and RFC 7518. Azure Monitor's own application is always the same, and it must have been given the role.

use std::collections::HashMap;

use axum::http::{HeaderMap, header};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use parking_lot::Mutex;
use serde_json::Value;
use url::Url;
use watchkeeper_config::model::integration::Entra;
use watchkeeper_domain::{Clock, Code, Span, Timestamp};

use super::sns::{Courier, limited, verifies};
use crate::http::problem::{ApiProblem, ApiResult};

/// Azure Monitor's application (AzNS AAD Webhook).
const SENDER: &str = "461e8683-5575-4561-ac7f-899cc907d62a";
/// The role that an action group's application must have been given.
const ROLE: &str = "ActionGroupsSecureWebhook";
/// The longest token.
const MOST_BYTES: usize = 8 << 10;
/// How far clocks may be apart.
const SKEW_S: i64 = 300;
/// How long keys are good, and how soon an unknown one is looked for again.
const KEYS_LAST: Span = Span::from_secs(24 * 3_600);
const LOOK_AGAIN: Span = Span::from_secs(300);

/// Microsoft's signing keys, by tenant.
#[derive(Default)]
pub struct Keys(Mutex<HashMap<String, Known>>);

#[derive(Clone)]
struct Known {
    fetched_at: Timestamp,
    /// Key id, and the key as RFC 8017 writes it.
    keys: HashMap<String, Vec<u8>>,
}

fn refused(reason: impl Into<String>) -> ApiProblem {
    ApiProblem::new(Code::Unauthenticated, reason)
}

/// Whether a request carries a token of Azure Monitor for us.
pub(super) async fn check(
    entra: &Entra,
    headers: &HeaderMap,
    keys: &Keys,
    courier: &dyn Courier,
    clock: &dyn Clock,
) -> ApiResult<()> {
    let now = clock.now();
    let bearer = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok()?.strip_prefix("Bearer "));
    let token = bearer.map(str::trim).filter(|token| token.len() <= MOST_BYTES);
    let token = token.ok_or_else(|| refused("Azure's token is missing: use the action group's secure webhook."))?;
    let not_one = || refused("The bearer token is no signed token of the identity platform.");
    let (signed, signature) = token.rsplit_once('.').ok_or_else(not_one)?;
    let (head, claims) = signed.split_once('.').ok_or_else(not_one)?;
    let json = |part: &str| -> Option<Value> { serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).ok()?).ok() };
    let (head, claims) = (json(head).ok_or_else(not_one)?, json(claims).ok_or_else(not_one)?);
    let signature = URL_SAFE_NO_PAD.decode(signature).map_err(|_| not_one())?;
    let of = |value: &Value, name: &str| value.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
    if of(&head, "alg") != "RS256" {
        return Err(not_one());
    }
    let key = keys.of(entra, &of(&head, "kid"), now, courier, clock).await?;
    if !verifies(&key, signed.as_bytes(), &signature) {
        return Err(refused("The token is not signed by the configured tenant."));
    }
    about_us(entra, &claims, now.as_millis().div_euclid(1_000)).map_err(refused)
}

/// Whether the claims of a token that is genuine are those of Azure Monitor, for us, now.
fn about_us(entra: &Entra, claims: &Value, now_s: i64) -> Result<(), String> {
    let of = |name: &str| claims.get(name).and_then(Value::as_str).unwrap_or_default();
    let time = |name: &str| claims.get(name).and_then(Value::as_i64);
    if time("exp").is_none_or(|exp| exp + SKEW_S < now_s) || time("nbf").is_some_and(|nbf| nbf - SKEW_S > now_s) {
        return Err("The token is not valid now.".to_owned());
    }
    if of("tid") != entra.tenant {
        return Err("The token is of another tenant.".to_owned());
    }
    // An application's own id stands for its identifier in tokens of the second version.
    if of("aud") != entra.audience && of("aud") != entra.audience.trim_start_matches("api://") {
        return Err("The token is meant for another application; check `entra.audience`.".to_owned());
    }
    if of("appid") != SENDER && of("azp") != SENDER {
        return Err("The token is not Azure Monitor's own.".to_owned());
    }
    let roles = claims.get("roles").and_then(Value::as_array).into_iter().flatten();
    if !roles.into_iter().any(|role| role == ROLE) {
        return Err(format!("The token lacks the role `{ROLE}`; give it to Azure Monitor's application."));
    }
    Ok(())
}

impl Keys {
    async fn of(
        &self,
        entra: &Entra,
        kid: &str,
        now: Timestamp,
        courier: &dyn Courier,
        clock: &dyn Clock,
    ) -> ApiResult<Vec<u8>> {
        let known = self.0.lock().get(&entra.tenant).cloned();
        let age = known.as_ref().map(|known| now.since(known.fetched_at));
        let found = known.and_then(|known| known.keys.get(kid).cloned());
        match (found, age) {
            (Some(key), Some(age)) if age < KEYS_LAST => return Ok(key),
            // Whoever makes up key ids must not make us fetch each time.
            (None, Some(age)) if age < LOOK_AGAIN => {
                return Err(refused("The token's key is not one of the tenant's."));
            }
            _ => {}
        }
        let cannot = |error: String| {
            let detail = format!("The tenant's keys could not be fetched: {error}.");
            ApiProblem::new(Code::StateUnavailable, detail).retry_after(5)
        };
        let url = Url::parse(&format!("{}/{}/discovery/v2.0/keys", entra.authority, entra.tenant));
        let url = url.map_err(|_| cannot("the address is not a URL".to_owned()))?;
        let body = limited(courier.fetch(url), clock).await.map_err(cannot)?;
        let set: Value = serde_json::from_slice(&body).map_err(|_| cannot("they are not JSON".to_owned()))?;
        let keys: HashMap<String, Vec<u8>> = set["keys"].as_array().into_iter().flatten().filter_map(rsa).collect();
        let key = keys.get(kid).cloned();
        self.0.lock().insert(entra.tenant.clone(), Known { fetched_at: now, keys });
        key.ok_or_else(|| refused("The token's key is not one of the tenant's."))
    }
}

/// A key of a set (RFC 7517) as `RSAPublicKey` of RFC 8017.
fn rsa(key: &Value) -> Option<(String, Vec<u8>)> {
    if key.get("kty")?.as_str()? != "RSA" {
        return None;
    }
    let number = |name: &str| URL_SAFE_NO_PAD.decode(key.get(name)?.as_str()?).ok();
    let body = [integer(&number("n")?), integer(&number("e")?)].concat();
    Some((key.get("kid")?.as_str()?.to_owned(), tagged(0x30, &body)))
}

/// A positive whole number in DER.
fn integer(bytes: &[u8]) -> Vec<u8> {
    let start = bytes.iter().position(|byte| *byte != 0).unwrap_or(bytes.len());
    let digits = bytes.get(start..).unwrap_or_default();
    let positive = digits.first().is_none_or(|first| first & 0x80 != 0);
    let body = if positive { [&[0], digits].concat() } else { digits.to_vec() };
    tagged(0x02, &body)
}

fn tagged(tag: u8, body: &[u8]) -> Vec<u8> {
    let mut out = vec![tag];
    let length = body.len().to_be_bytes();
    let length: Vec<u8> = length.into_iter().skip_while(|byte| *byte == 0).collect();
    match (length.as_slice(), u8::try_from(length.len())) {
        ([], _) => out.push(0),
        ([short], _) if *short < 0x80 => out.push(*short),
        (_, Ok(count)) => {
            out.push(0x80 | count);
            out.extend(&length);
        }
        (_, Err(_)) => {}
    }
    out.extend(body);
    out
}

#[cfg(test)]
mod tests;
