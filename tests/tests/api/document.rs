//! The OpenAPI document and the page to try it.

use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use tests::http::TestApi;

/// Operations that anybody may call. Adding one here is a decision to be reviewed.
const OPEN: &[&str] = &[
    "get /health",
    "get /health/ready",
    "post /api/auth/login",
    // these rest on the refresh token
    "post /api/auth/refresh",
    "get /api/auth/csrf",
    // this one rests on the challenge
    "post /api/auth/mfa/verify",
    // and these on a link that was mailed, or have one mailed
    "post /api/auth/password/forgot",
    "post /api/auth/password/reset",
    "post /api/auth/invitation/accept",
    "post /api/auth/register",
    // these rest on the issuer's word, and on the browser's cookie
    "get /api/auth/oidc/providers",
    "get /api/auth/oidc/{provider}/start",
    "get /api/auth/oidc/{provider}/callback",
    // recipients of messages: these rest on the token in the path
    "get /t/o/{token}",
    "get /t/c/{token}",
    "get /u/{token}",
    "post /u/{token}",
    "get /p/{token}",
    "post /p/{token}",
    "get /v/{token}",
];
/// Whoever calls these proves who they are in another way: the signature of the body.
const SIGNED: &str = "/api/webhooks/";

fn document() -> Value {
    serde_json::from_str(&api::document()).unwrap()
}

/// `method path`, and the operation.
fn operations(document: &Value) -> Vec<(String, Value)> {
    let paths = document["paths"].as_object().unwrap();
    let all = paths.iter().flat_map(|(path, methods)| {
        methods
            .as_object()
            .unwrap()
            .iter()
            .map(move |(method, operation)| (format!("{method} {path}"), operation.clone()))
    });
    all.collect()
}

#[test]
fn every_operation_but_the_open_ones_asks_who_is_calling() {
    for (name, operation) in operations(&document()) {
        let path = name.split(' ').nth(1).unwrap();
        let is_open = OPEN.contains(&name.as_str()) || path.starts_with(SIGNED);
        let schemes = operation["security"].as_array().cloned().unwrap_or_default();
        assert_eq!(schemes.is_empty(), is_open, "{name}: {schemes:?}");
        assert!(is_open || schemes.iter().all(|scheme| scheme == &json!({"bearer": []})), "{name}: {schemes:?}");
    }
}

#[tokio::test]
async fn no_operation_answers_an_anonymous_caller() {
    let api = TestApi::new().await;
    for (name, _) in operations(&document()) {
        let (method, path) = name.split_once(' ').unwrap();
        if OPEN.contains(&name.as_str()) || path.starts_with(SIGNED) {
            continue;
        }
        let answer = api.call(method.to_uppercase().parse().unwrap(), path).send().await;
        answer.error(401, "missing_token");
    }
}

#[test]
fn every_operation_is_described() {
    for (name, operation) in operations(&document()) {
        assert!(operation["summary"].as_str().is_some_and(|summary| !summary.is_empty()), "{name} has no summary");
        assert_eq!(operation["tags"].as_array().map(Vec::len), Some(1), "{name} has no tag of its own");
        let answers = operation["responses"].as_object().unwrap();
        // a link's answer is the way on
        assert!(answers.keys().any(|status| status.starts_with(['2', '3'])), "{name}");
    }
}

/// One snapshot a tag, with the schemas its operations use, so that resources do not share a file.
#[test]
fn the_document_is_as_agreed() {
    let document = document();
    let mut by_tag: BTreeMap<String, Map<String, Value>> = BTreeMap::new();
    for (name, operation) in operations(&document) {
        let tag = operation["tags"][0].as_str().unwrap().to_lowercase();
        by_tag.entry(tag).or_default().insert(name, operation);
    }
    let schemas = &document["components"]["schemas"];
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path("../snapshots");
    settings.set_prepend_module_to_snapshot(false);
    let _bound = settings.bind_to_scope();
    for (tag, operations) in by_tag {
        let mut used = Map::new();
        collect(&Value::Object(operations.clone()), schemas, &mut used);
        // errors are alike everywhere
        let contract = json!({"operations": without_errors(operations), "schemas": used});
        insta::assert_json_snapshot!(format!("openapi_{tag}"), contract);
    }
}

fn without_errors(operations: Map<String, Value>) -> Value {
    let strip = |(name, mut operation): (String, Value)| {
        operation["responses"].as_object_mut().unwrap().retain(|status, _| status.starts_with('2'));
        (name, operation)
    };
    Value::Object(operations.into_iter().map(strip).collect())
}

/// The schemas that a value refers to, and those that these refer to.
fn collect(value: &Value, schemas: &Value, used: &mut Map<String, Value>) {
    match value {
        Value::Object(members) => {
            let name = members.get("$ref").and_then(Value::as_str).and_then(|path| path.rsplit('/').next());
            if let Some(name) = name.filter(|name| !used.contains_key(*name) && !name.starts_with("Error")) {
                used.insert(name.to_owned(), schemas[name].clone());
                collect(&schemas[name], schemas, used);
            }
            members.values().for_each(|member| collect(member, schemas, used));
        }
        Value::Array(items) => items.iter().for_each(|item| collect(item, schemas, used)),
        _ => {}
    }
}

#[tokio::test]
async fn the_document_is_served_as_it_is() {
    let api = TestApi::new().await;
    for path in ["/api/openapi.json", "/api/openapi.json/"] {
        let answer = api.get(path).send().await;
        assert_eq!(answer.header("content-type"), "application/json");
        assert_eq!(answer.json(), document());
    }
    assert!(document()["openapi"].as_str().unwrap().starts_with("3."));
}

#[tokio::test]
async fn the_page_loads_nothing_from_elsewhere() {
    let api = TestApi::new().await;
    for path in ["/api/docs/", "/api/docs"] {
        let page = api.get(path).send().await;
        assert_eq!(page.header("content-type"), "text/html; charset=utf-8");
        let policy = page.header("content-security-policy");
        assert!(policy.starts_with("default-src 'none'") && !policy.contains("http"), "{policy}");
        let html = String::from_utf8(page.body.to_vec()).unwrap();
        // outside the script, the page itself refers to nothing; what the script may load is the policy's to say
        let frame = html.split("<script").next().unwrap().to_owned() + html.rsplit("</script>").next().unwrap();
        for reference in ["src=", "href=", "@import", "url(http"] {
            assert!(!frame.contains(reference), "{reference}");
        }
        assert!(html.contains("/api/templates/{id}"), "the document is in the page");
    }
}
