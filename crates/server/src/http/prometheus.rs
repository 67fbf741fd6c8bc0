//! Handlers: the Prometheus read API, in Prometheus's own shapes, so that its clients work unchanged.
//!
//! Not the evaluator: `promql` over the store.

pub mod rules;
pub mod status;
pub mod targets;
mod value;

use std::sync::Arc;

use axum::Json;
use axum::extract::{FromRequest, RawQuery, Request, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};
use watchkeeper_domain::query::QueryError;
use watchkeeper_domain::{Code, Matcher, Span, Timestamp};
use watchkeeper_promql::{Annotations, Expr, Limits, Severity};

use value::number;

use super::body::{declared_length, read};
use super::extract::Path;
use super::problem::ApiProblem;
use crate::app::Shared;

/// The most bytes of a query that comes as a form.
const MOST_BYTES: usize = 1 << 20;

/// Parameters by name; `match[]` may come several times.
struct Params(Vec<(String, String)>);

impl Params {
    fn parse(text: &str) -> Self {
        Self(url::form_urlencoded::parse(text.as_bytes()).into_owned().collect())
    }
    fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(n, _)| n == name).map(|(_, v)| v.as_str()).filter(|v| !v.is_empty())
    }
    fn need(&self, name: &str) -> Result<&str, Failure> {
        self.get(name).ok_or_else(|| Failure::bad_data(format!("invalid parameter \"{name}\": it is missing")))
    }
    fn all(&self, name: &str) -> impl Iterator<Item = &str> {
        self.0.iter().filter(move |(n, _)| n == name).map(|(_, v)| v.as_str())
    }
    fn time(&self, name: &str) -> Result<Option<Timestamp>, Failure> {
        let parse =
            |text: &str| text.parse().map_err(|e| Failure::bad_data(format!("invalid parameter \"{name}\": {e}")));
        self.get(name).map(parse).transpose()
    }
    fn limit(&self) -> Result<usize, Failure> {
        match self.get("limit").map(str::parse::<usize>) {
            None | Some(Ok(0)) => Ok(usize::MAX),
            Some(Ok(limit)) => Ok(limit),
            Some(Err(_)) => Err(Failure::bad_data("invalid parameter \"limit\": write a whole number".to_owned())),
        }
    }
}

/// Parameters that come as a form, as clients send long queries.
pub struct Form(Params);

impl<S: Send + Sync> FromRequest<S> for Form {
    type Rejection = Response;

    async fn from_request(request: Request, _: &S) -> Result<Self, Response> {
        let content_type = request.headers().get(header::CONTENT_TYPE).and_then(|v| v.to_str().ok()).unwrap_or("");
        if !content_type.starts_with("application/x-www-form-urlencoded") {
            let why = "Send `Content-Type: application/x-www-form-urlencoded`.";
            return Err(ApiProblem::new(Code::UnsupportedMediaType, why).into_response());
        }
        let declared = declared_length(request.headers());
        let body = read(request.into_body(), declared, MOST_BYTES).await.map_err(IntoResponse::into_response)?;
        Ok(Self(Params::parse(&String::from_utf8_lossy(&body))))
    }
}

/// An error in Prometheus's own shape.
struct Failure {
    status: StatusCode,
    kind: &'static str,
    error: String,
}

impl Failure {
    fn bad_data(error: String) -> Self {
        Self { status: StatusCode::BAD_REQUEST, kind: "bad_data", error }
    }
}

impl From<QueryError> for Failure {
    fn from(error: QueryError) -> Self {
        let (status, kind) = match &error {
            QueryError::Invalid(_) => (StatusCode::UNPROCESSABLE_ENTITY, "execution"),
            QueryError::Limit { .. } | QueryError::TooLittleHistory { .. } => {
                (StatusCode::UNPROCESSABLE_ENTITY, "execution")
            }
            QueryError::Unavailable(_) => (StatusCode::SERVICE_UNAVAILABLE, "unavailable"),
        };
        Self { status, kind, error: error.to_string() }
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        (self.status, Json(json!({"status": "error", "errorType": self.kind, "error": self.error}))).into_response()
    }
}

type Answer = Result<Json<Value>, Failure>;

/// `GET /api/v1/query`.
pub async fn query(State(shared): State<Arc<Shared>>, RawQuery(query): RawQuery) -> Response {
    instant(shared, Params::parse(query.as_deref().unwrap_or(""))).await.into_response()
}

/// `POST /api/v1/query`.
pub async fn query_form(State(shared): State<Arc<Shared>>, form: Form) -> Response {
    instant(shared, form.0).await.into_response()
}

async fn instant(shared: Arc<Shared>, params: Params) -> Answer {
    let expr = parse(params.need("query")?)?;
    let at = params.time("time")?.unwrap_or_else(|| shared.env.now());
    let (answer, notes) = evaluate(move || {
        watchkeeper_promql::instant_answer(&expr, shared.store.as_ref(), at.as_millis(), &Limits::default())
    })
    .await?;
    Ok(success(value::instant(&answer, at.as_secs_f64()), &notes))
}

/// `GET /api/v1/query_range`.
pub async fn query_range(State(shared): State<Arc<Shared>>, RawQuery(query): RawQuery) -> Response {
    range(shared, Params::parse(query.as_deref().unwrap_or(""))).await.into_response()
}

/// `POST /api/v1/query_range`.
pub async fn query_range_form(State(shared): State<Arc<Shared>>, form: Form) -> Response {
    range(shared, form.0).await.into_response()
}

async fn range(shared: Arc<Shared>, params: Params) -> Answer {
    let expr = parse(params.need("query")?)?;
    let missing = |name: &str| Failure::bad_data(format!("invalid parameter \"{name}\": it is missing"));
    let start = params.time("start")?.ok_or_else(|| missing("start"))?;
    let end = params.time("end")?.ok_or_else(|| missing("end"))?;
    let step = step_ms(params.need("step")?)?;
    if end < start {
        return Err(Failure::bad_data(
            "invalid parameter \"end\": end timestamp must not be before start time".to_owned(),
        ));
    }
    let (series, notes) = evaluate(move || {
        watchkeeper_promql::range_answer(
            &expr,
            shared.store.as_ref(),
            start.as_millis(),
            end.as_millis(),
            step,
            &Limits::default(),
        )
    })
    .await?;
    Ok(success(value::matrix(&series), &notes))
}

/// A step in seconds or in Prometheus's notation.
fn step_ms(text: &str) -> Result<i64, Failure> {
    let bad = || {
        Failure::bad_data("invalid parameter \"step\": zero or negative query resolution step widths are not accepted. Try a positive integer".to_owned())
    };
    let ms = match text.parse::<f64>() {
        #[expect(clippy::cast_possible_truncation, reason = "bounded by the guard")]
        Ok(seconds) if seconds > 0.0 && seconds < 1e9 => (seconds * 1_000.0) as i64,
        Ok(_) => return Err(bad()),
        Err(_) => {
            text.parse::<Span>().map_err(|e| Failure::bad_data(format!("invalid parameter \"step\": {e}")))?.as_millis()
        }
    };
    if ms > 0 { Ok(ms) } else { Err(bad()) }
}

/// `GET /api/v1/series`.
pub async fn series(State(shared): State<Arc<Shared>>, RawQuery(query): RawQuery) -> Response {
    find_series(&shared, &Params::parse(query.as_deref().unwrap_or(""))).into_response()
}

/// `POST /api/v1/series`.
pub async fn series_form(State(shared): State<Arc<Shared>>, form: Form) -> Response {
    find_series(&shared, &form.0).into_response()
}

fn find_series(shared: &Shared, params: &Params) -> Answer {
    let selectors = selectors(params)?;
    if selectors.is_empty() {
        return Err(Failure::bad_data("no match[] parameter provided".to_owned()));
    }
    let limit = params.limit()?;
    let (start, end) = window(shared, params)?;
    let found: std::collections::BTreeSet<_> =
        selectors.iter().flat_map(|s| shared.store.series(s, start, end)).collect();
    let found: Vec<_> = found.into_iter().take(limit).collect();
    Ok(success(json!(found), &Annotations::default()))
}

/// `GET /api/v1/labels`.
pub async fn labels(State(shared): State<Arc<Shared>>, RawQuery(query): RawQuery) -> Response {
    find_labels(&shared, &Params::parse(query.as_deref().unwrap_or(""))).into_response()
}

/// `POST /api/v1/labels`.
pub async fn labels_form(State(shared): State<Arc<Shared>>, form: Form) -> Response {
    find_labels(&shared, &form.0).into_response()
}

fn find_labels(shared: &Shared, params: &Params) -> Answer {
    let (start, end) = window(shared, params)?;
    let names = union(selectors(params)?, |matchers| shared.store.label_names(matchers, start, end));
    Ok(success(json!(names.into_iter().take(params.limit()?).collect::<Vec<_>>()), &Annotations::default()))
}

/// `GET /api/v1/label/{name}/values`.
pub async fn label_values(
    State(shared): State<Arc<Shared>>,
    Path(name): Path<String>,
    RawQuery(query): RawQuery,
) -> Response {
    let params = Params::parse(query.as_deref().unwrap_or(""));
    let answer = || {
        let (start, end) = window(&shared, &params)?;
        let values = union(selectors(&params)?, |matchers| shared.store.label_values(&name, matchers, start, end));
        Ok::<_, Failure>(success(
            json!(values.into_iter().take(params.limit()?).collect::<Vec<_>>()),
            &Annotations::default(),
        ))
    };
    answer().into_response()
}

/// `GET /api/v1/metadata`.
pub async fn metadata(State(shared): State<Arc<Shared>>) -> Response {
    let entries = shared.store.metadata().into_iter().map(|m| {
        (m.name.to_string(), json!([{"type": m.kind.as_ref(), "unit": m.unit.as_ref(), "help": m.help.as_ref()}]))
    });
    success(Value::Object(entries.collect()), &Annotations::default()).into_response()
}

fn parse(text: &str) -> Result<Expr, Failure> {
    Expr::parse(text).map_err(|error| Failure::bad_data(format!("invalid parameter \"query\": {error}")))
}

fn selectors(params: &Params) -> Result<Vec<Vec<Matcher>>, Failure> {
    let mut found = Vec::new();
    for text in params.all("match[]") {
        let expr =
            Expr::parse(text).map_err(|error| Failure::bad_data(format!("invalid parameter \"match[]\": {error}")))?;
        found.extend(expr.selectors().into_iter().map(|selector| selector.matchers));
    }
    Ok(found)
}

/// What any of the selectors gives; without selectors what there is.
fn union(
    selectors: Vec<Vec<Matcher>>,
    look: impl Fn(&[Matcher]) -> Vec<Arc<str>>,
) -> std::collections::BTreeSet<Arc<str>> {
    if selectors.is_empty() {
        look(&[]).into_iter().collect()
    } else {
        selectors.iter().flat_map(|s| look(s)).collect()
    }
}

fn window(shared: &Shared, params: &Params) -> Result<(i64, i64), Failure> {
    let end = params.time("end")?.unwrap_or_else(|| shared.env.now()).as_millis();
    let start = params.time("start")?.map_or(i64::MIN / 2, Timestamp::as_millis);
    Ok((start, end))
}

/// Evaluates off the async threads: a query may take long.
async fn evaluate<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, watchkeeper_promql::EvalError> + Send + 'static,
) -> Result<T, Failure> {
    evaluate_blocking(work).await?.map_err(|error| QueryError::from(error).into())
}

async fn evaluate_blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, Failure> {
    tokio::task::spawn_blocking(work)
        .await
        .map_err(|_| QueryError::Unavailable("the evaluation panicked; please report the query".to_owned()).into())
}

fn success(data: Value, notes: &Annotations) -> Json<Value> {
    let mut answer = json!({"status": "success", "data": data});
    for (key, severity) in [("warnings", Severity::Warning), ("infos", Severity::Info)] {
        let texts: Vec<String> = notes.iter().filter(|n| n.severity == severity).map(ToString::to_string).collect();
        if !texts.is_empty() {
            answer[key] = json!(texts);
        }
    }
    Json(answer)
}
