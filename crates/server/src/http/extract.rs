//! Paths, queries and forms whose refusal is a problem with a code, like every other refusal.
//!
//! Not bodies in JSON: see `body`. Axum's own extractors refuse with plain text, which no client of an API expects.

use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::http::request::Parts;
use serde::de::DeserializeOwned;
use watchkeeper_domain::Code;

use super::problem::ApiProblem;

/// The variable parts of a path.
pub struct Path<T>(pub T);

impl<T: DeserializeOwned + Send, S: Send + Sync> FromRequestParts<S> for Path<T> {
    type Rejection = ApiProblem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiProblem> {
        let read = axum::extract::Path::from_request_parts(parts, state).await;
        read.map(|axum::extract::Path(value)| Self(value)).map_err(|why| unusable("The path", &why.body_text()))
    }
}

/// The parameters behind the question mark.
pub struct Query<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for Query<T> {
    type Rejection = ApiProblem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiProblem> {
        let read = axum::extract::Query::from_request_parts(parts, state).await;
        read.map(|axum::extract::Query(value)| Self(value)).map_err(|why| unusable("The query", &why.body_text()))
    }
}

/// A form of a page.
pub struct Form<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Form<T> {
    type Rejection = ApiProblem;

    async fn from_request(request: Request, state: &S) -> Result<Self, ApiProblem> {
        let read = axum::Form::from_request(request, state).await;
        read.map(|axum::Form(value)| Self(value)).map_err(|why| unusable("The form", &why.body_text()))
    }
}

fn unusable(what: &str, why: &str) -> ApiProblem {
    // The reason may repeat what was sent.
    let why: String = why.chars().take(300).collect();
    ApiProblem::new(Code::InvalidParameter, format!("{what} is not usable: {why}."))
}
