//! What is logged of a request, and what is not.

use domain::permissions::SystemRole;
use serde_json::{Value, json};
use std::{
    io,
    sync::{Arc, Mutex},
};
use tests::http::TestApi;
use tracing::subscriber::DefaultGuard;

#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl io::Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Lines {
    /// Collects what this thread logs.
    fn collect(&self) -> DefaultGuard {
        let lines = self.clone();
        let subscriber = tracing_subscriber::fmt().json().flatten_event(true).with_writer(move || lines.clone());
        tracing::subscriber::set_default(subscriber.with_max_level(tracing::Level::DEBUG).finish())
    }

    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }

    /// Those of the request, by its id.
    fn of(&self, request_id: &str) -> Vec<Value> {
        let lines: Vec<Value> = self.text().lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        lines.into_iter().filter(|line| line["span"]["request_id"] == request_id).collect()
    }
}

#[tokio::test]
async fn one_line_tells_of_a_request_without_personal_data() {
    let api = TestApi::new().await;
    let user = api.user(SystemRole::Agent).await;
    let lines = Lines::default();
    let _collecting = lines.collect();
    let path = "/api/templates/template-77?name=Asha%20Rao";
    api.get(path).by(&user).header("x-request-id", "r-1").send().await.error(404, "not_found");
    let login = json!({"email": user.email, "password": "my-password"});
    api.post("/api/auth/login")
        .json(&login)
        .header("x-request-id", "r-2")
        .send()
        .await
        .error(401, "invalid_credentials");

    let answered: Vec<_> = lines.of("r-1").into_iter().filter(|line| line["message"] == "answered").collect();
    let [line] = answered.as_slice() else { panic!("{}", lines.text()) };
    assert_eq!((&line["route"], &line["status"]), (&json!("/api/templates/:param0"), &json!(404)));
    assert_eq!((&line["span"]["method"], &line["span"]["user"]), (&json!("GET"), &json!(user.id.0)));
    assert!(line["latency_ms"].is_u64());
    let refused: Vec<_> = lines.of("r-2").into_iter().filter(|line| line["code"] == "invalid_credentials").collect();
    assert_eq!(refused.len(), 1, "an error is logged once");
    for secret in ["Asha", "template-77", user.email.as_str(), "my-password", user.token.as_str()] {
        assert!(!lines.text().contains(secret), "{secret}");
    }
}

#[tokio::test]
async fn a_failure_is_logged_once_with_its_cause() {
    let api = TestApi::with(&[("DB_WAIT", "1500ms"), ("DB_POOL", "1")]).await;
    let user = api.user(SystemRole::Agent).await;
    let _held = api.connection().await;
    let lines = Lines::default();
    let _collecting = lines.collect();
    let call = api.get("/api/templates").by(&user).header("x-request-id", "r-3");
    call.send().await.error(503, "service_unavailable");
    let failed: Vec<_> = lines.of("r-3").into_iter().filter(|line| line["level"] == "ERROR").collect();
    let [line] = failed.as_slice() else { panic!("{}", lines.text()) };
    assert!(line["cause"].as_str().unwrap().starts_with("no database connection: "), "{line}");
}
