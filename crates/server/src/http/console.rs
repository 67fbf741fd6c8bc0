//! The console: files built from `ui/`, in the binary, served as they were compressed at build time.
//!
//! Not server-side rendering: any path that no route claims is the single page, and its router does the rest.

use axum::body::Body;
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use rust_embed::RustEmbed;
use watchkeeper_domain::Code;

use super::problem::ApiProblem;

#[derive(RustEmbed)]
#[folder = "../../ui/dist"]
#[allow_missing = true]
struct Assets;

/// Content-Security-Policy of the console: nothing from elsewhere, no inline scripts.
/// Mantine writes its colour scheme and sizes into style elements and attributes.
const POLICY: &str = "default-src 'self'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; \
                      connect-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'self'";

/// Serves an asset, or the page itself for paths of the page's own router.
pub async fn serve(method: Method, uri: Uri, headers: HeaderMap) -> Response {
    let path = uri.path().trim_start_matches('/');
    if path.starts_with("api/") || path.starts_with("v1/") {
        return ApiProblem::new(
            Code::NotFound,
            format!("There is no path `/{path}`. The API is described in /openapi.json."),
        )
        .into_response();
    }
    if method != Method::GET && method != Method::HEAD {
        return ApiProblem::new(Code::MethodNotAllowed, "The console is only read: GET.").into_response();
    }
    let immutable = path.starts_with("assets/");
    let name = if Assets::get(path).is_some() { path } else { "index.html" };
    if immutable && name == "index.html" {
        return ApiProblem::new(Code::NotFound, format!("There is no file `/{path}`.")).into_response();
    }
    let accepts = headers.get(header::ACCEPT_ENCODING).and_then(|v| v.to_str().ok()).unwrap_or("");
    let coded = [("br", ".br"), ("gzip", ".gz")].into_iter().find_map(|(coding, suffix)| {
        let asked = accepts.split(',').any(|part| part.split(';').next().is_some_and(|c| c.trim() == coding));
        asked.then(|| Assets::get(&format!("{name}{suffix}"))).flatten().map(|file| (file, Some(coding)))
    });
    let Some((file, coding)) = coded.or_else(|| Assets::get(name).map(|file| (file, None))) else {
        return (
            StatusCode::NOT_FOUND,
            "This build has no console: `ui/dist` was empty when it was compiled. Run `make build`.\nThe API and the status page (/status) work.\n",
        )
            .into_response();
    };
    let mut response = Response::new(Body::from(file.data));
    let out = response.headers_mut();
    out.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type(name)));
    out.insert(header::VARY, HeaderValue::from_static("accept-encoding"));
    if let Some(coding) = coding {
        out.insert(header::CONTENT_ENCODING, HeaderValue::from_static(coding));
    }
    let cache = if immutable { "public, max-age=31536000, immutable" } else { "no-cache" };
    out.insert(header::CACHE_CONTROL, HeaderValue::from_static(cache));
    out.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    response
}

fn content_type(name: &str) -> &'static str {
    match name.rsplit_once('.').map_or("", |(_, ext)| ext) {
        "html" => "text/html; charset=utf-8",
        "js" => "text/javascript; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        "ico" => "image/x-icon",
        "json" | "map" => "application/json",
        "woff2" => "font/woff2",
        "webmanifest" => "application/manifest+json",
        _ => "application/octet-stream",
    }
}
