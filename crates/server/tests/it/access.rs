//! Every route with every role, the table of routes against the API document, and what foreign pages may not do.
//!
//! Not what the handlers answer: here only whether they are reached.

use std::collections::BTreeSet;

use axum::body::Body;
use http::{Method, Request, header};
use serde_json::{Value, json};
use tower::ServiceExt as _;
use watchkeeper_config::model::Role;
use watchkeeper_server::http::router::{self, Access, routes};

use crate::stories::world::{SECRETS, Setup, World};

const API: &str = include_str!("../../../../openapi.json");
const ROLES: [Role; 4] = [Role::Ingest, Role::Viewer, Role::Responder, Role::Admin];

/// A path that leads to a route, with values that name nothing.
fn concrete(path: &str) -> String {
    let segment = |s: &str| if s.starts_with('{') { "nothing-of-that-name".to_owned() } else { s.to_owned() };
    path.split('/').map(segment).collect::<Vec<_>>().join("/")
}

async fn status(world: &World, method: &Method, path: &str, headers: &[(&str, &str)]) -> u16 {
    let mut request = Request::builder().method(method).uri(concrete(path));
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let request = request.header(header::CONTENT_TYPE, "application/json").body(Body::from("{}")).unwrap();
    // The stream of changes never ends; its head is all that is wanted, and so it is of the others.
    router::main(world.shared()).oneshot(request).await.unwrap().status().as_u16()
}

#[tokio::test]
async fn every_route_is_closed_without_a_token_and_below_its_role_and_open_from_its_role_on() {
    let world = World::new().await;
    let mut walked = 0;
    for (method, path, access) in routes().table() {
        let Access::AtLeast(least) = access else { continue };
        let what = format!("{method} {path}");
        assert_eq!(status(&world, method, path, &[]).await, 401, "{what} without a token");
        let wrong = [("authorization", "Bearer of-nobody")];
        assert_eq!(status(&world, method, path, &wrong).await, 401, "{what} with a wrong token");
        for (role, (_, token)) in ROLES.iter().zip(SECRETS) {
            let bearer = format!("Bearer {token}");
            let answered = status(&world, method, path, &[("authorization", &bearer)]).await;
            if role < least {
                assert_eq!(answered, 403, "{what} as {role:?}");
            } else {
                assert!(answered != 401 && answered != 403 && answered < 500, "{what} as {role:?}: {answered}");
            }
            walked += 1;
        }
    }
    assert!(walked > 200, "{walked}");
}

#[tokio::test]
async fn what_is_public_needs_no_token() {
    let world = World::new().await;
    for (method, path, access) in routes().table() {
        // Logging in and presses are closed by what they carry.
        let by_content = *path == "/login" && method == Method::POST || *path == "/slack/interactions";
        if *access != Access::Public || by_content {
            continue;
        }
        let answered = status(&world, method, path, &[]).await;
        assert!(answered != 401 && answered != 403, "{method} {path}: {answered}");
    }
}

#[test]
fn the_api_document_and_the_table_of_routes_name_the_same_paths_and_methods() {
    let document: Value = serde_json::from_str(API).unwrap();
    let own = |path: &str| path.starts_with("/api/watchkeeper/v1/");
    let mut documented = BTreeSet::new();
    for (path, methods) in document["paths"].as_object().unwrap() {
        let known = ["get", "post", "put", "delete", "patch"];
        for method in methods.as_object().unwrap().keys().filter(|m| known.contains(&m.as_str())) {
            if own(path) {
                documented.insert((method.to_uppercase(), path.clone()));
            }
        }
    }
    let table = routes();
    let routed: BTreeSet<_> =
        table.table().iter().filter(|(_, p, _)| own(p)).map(|(m, p, _)| (m.to_string(), (*p).to_owned())).collect();
    let only_documented: Vec<_> = documented.difference(&routed).collect();
    let only_routed: Vec<_> = routed.difference(&documented).collect();
    assert!(only_documented.is_empty(), "documented and not offered: {only_documented:?}");
    assert!(only_routed.is_empty(), "offered and not documented: {only_routed:?}");
    assert!(routed.len() > 40);
}

#[tokio::test]
async fn a_command_from_a_page_of_another_origin_is_refused_whatever_it_carries() {
    let world = World::new().await;
    let admin = format!("Bearer {}", SECRETS[3].1);
    for (method, path, _) in routes().table() {
        if *method == Method::GET {
            continue;
        }
        let foreign =
            [("authorization", admin.as_str()), ("origin", "https://evil.example"), ("host", "127.0.0.1:7404")];
        assert_eq!(status(&world, method, path, &foreign).await, 403, "{method} {path}");
    }
    let own = [
        ("authorization", admin.as_str()),
        ("origin", "https://watchkeeper.money404.example"),
        ("host", "127.0.0.1:7404"),
    ];
    assert_eq!(status(&world, &Method::POST, "/-/reload", &own).await, 200);
    let null = [("authorization", admin.as_str()), ("origin", "null"), ("host", "127.0.0.1:7404")];
    assert_eq!(status(&world, &Method::POST, "/-/reload", &null).await, 403, "a sandboxed frame's origin is foreign");
}

#[tokio::test]
async fn where_nobody_logs_in_a_foreign_host_name_is_refused_and_loopback_is_not() {
    let world = World::with(Setup { open: true, ..Setup::default() }).await;
    let path = "/api/watchkeeper/v1/overview";
    for host in ["evil.example", "evil.example:7404", "127.0.0.1.evil.example", "10.0.0.1:7404", "[2001:db8::1]:7404"] {
        assert_eq!(status(&world, &Method::GET, path, &[("host", host)]).await, 403, "{host}");
    }
    for host in ["127.0.0.1:7404", "localhost:7404", "[::1]:7404", "watchkeeper.money404.example"] {
        assert_eq!(status(&world, &Method::GET, path, &[("host", host)]).await, 200, "{host}");
    }
}

#[tokio::test]
async fn a_browser_logs_in_with_a_token_and_its_session_has_that_tokens_role() {
    let world = World::new().await;
    let login = |token: &str| {
        Request::post("/login")
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .body(Body::from(format!("token={token}")))
            .unwrap()
    };
    let refused = router::main(world.shared()).oneshot(login("of-nobody")).await.unwrap();
    assert!(refused.headers().get(header::SET_COOKIE).is_none());
    let answer = router::main(world.shared()).oneshot(login(SECRETS[1].1)).await.unwrap();
    let cookie = answer.headers()[header::SET_COOKIE].to_str().unwrap().to_owned();
    assert!(cookie.contains("HttpOnly") && cookie.contains("SameSite="), "{cookie}");
    let session = cookie.split(';').next().unwrap();
    let headers = [("cookie", session)];
    assert_eq!(status(&world, &Method::GET, "/api/watchkeeper/v1/overview", &headers).await, 200);
    assert_eq!(status(&world, &Method::POST, "/api/watchkeeper/v1/silences", &headers).await, 403);
    let (_, me) = world.call("GET", "/api/watchkeeper/v1/me", Some(SECRETS[1].1), None).await;
    assert_eq!(me["role"], json!("viewer"), "{me}");
}
