//! A stand-in for a WhatsApp business account at Meta: its templates and flows, over HTTP on a free port.
//!
//! It refuses what the vendor's API description does not allow (`contracts/meta_templates.json`), and what the
//! description leaves to prose: names, categories, one language of a name, review before use.

use poem::{
    Body, EndpointExt, Request, Response, Route, Server, handler,
    http::{Method, StatusCode},
    listener::{Acceptor, Listener, TcpListener},
    web::Data,
};
use serde_json::{Value, json};
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

/// The business account.
pub const BUSINESS_ACCOUNT: &str = "102290129340398";
/// The token that calls must carry.
pub const TOKEN: &str = "EAAGaccount";
const DESCRIPTION: &str = include_str!("../contracts/meta_templates.json");

/// What the account has, and what it was asked.
#[derive(Debug, Default)]
pub struct Holds {
    /// Its templates.
    pub templates: Vec<Value>,
    /// Its flows: name, status, description.
    pub flows: Vec<Value>,
    /// What calls did wrong.
    pub violations: Vec<String>,
    /// Every call: `POST message_templates`.
    pub calls: Vec<String>,
    /// What it has against the next description of a form.
    pub problems: Vec<Value>,
    /// Calls that are answered with 500 from now on, after they were taken.
    pub lost: usize,
    count: u64,
}

/// The stand-in; it ends with the test's runtime.
#[derive(Debug, Clone)]
pub struct MetaAccount {
    base: String,
    holds: Arc<Mutex<Holds>>,
}

impl MetaAccount {
    /// Starts on a free port.
    pub async fn start() -> Self {
        let holds = Arc::new(Mutex::new(Holds::default()));
        let acceptor = TcpListener::bind("127.0.0.1:0").into_acceptor().await.expect("a port");
        let address = acceptor.local_addr()[0].as_socket_addr().expect("an address").to_owned();
        let app = Route::new().at("/v23.0/*path", answer).data(Arc::clone(&holds));
        tokio::spawn(Server::new_with_acceptor(acceptor).run(app));
        Self { base: format!("http://{address}"), holds }
    }

    /// The settings of a process that manages this account.
    pub fn environment(&self) -> Vec<(&'static str, String)> {
        vec![
            ("WHATSAPP_BASE_URL", self.base.clone()),
            ("WHATSAPP_PHONE_NUMBER_ID", "106540352242922".to_owned()),
            ("WHATSAPP_BUSINESS_ACCOUNT_ID", BUSINESS_ACCOUNT.to_owned()),
            ("WHATSAPP_ACCESS_TOKEN", TOKEN.to_owned()),
            ("WHATSAPP_APP_SECRET", "secret".to_owned()),
            ("WHATSAPP_WEBHOOK_VERIFY_TOKEN", "verify".to_owned()),
        ]
    }

    /// What the account has.
    pub fn holds(&self) -> MutexGuard<'_, Holds> {
        self.holds.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[handler]
async fn answer(request: &Request, body: Body, Data(holds): Data<&Arc<Mutex<Holds>>>) -> Response {
    let body = body.into_vec().await.unwrap_or_default();
    let mut holds = holds.lock().unwrap_or_else(PoisonError::into_inner);
    let path = request.uri().path().trim_start_matches("/v23.0/").to_owned();
    let query: HashMap<String, String> = request.params().unwrap_or_default();
    let answered = match request.header("authorization") == Some(&format!("Bearer {TOKEN}")) {
        true => holds.call(request.method(), &path, &query, request.header("content-type").unwrap_or_default(), &body),
        false => Err((401, 190, "the token is not known".to_owned())),
    };
    if let Err((_, _, why)) = &answered {
        holds.violations.push(format!("{} {path}: {why}", request.method()));
    }
    if holds.lost > 0 {
        holds.lost -= 1;
        return respond(500, &json!({"error": {"code": 2, "message": "lost"}}));
    }
    match answered {
        Ok(value) => respond(200, &value),
        Err((status, code, why)) => {
            respond(status, &json!({"error": {"code": code, "message": why, "type": "OAuthException"}}))
        }
    }
}

fn respond(status: u16, value: &Value) -> Response {
    let status = StatusCode::from_u16(status).expect("a status");
    Response::builder().status(status).content_type("application/json").body(value.to_string())
}

type Answered = Result<Value, (u16, i64, String)>;

fn refused(why: impl Into<String>) -> Answered {
    Err((400, 100, why.into()))
}

impl Holds {
    fn call(
        &mut self,
        method: &Method,
        path: &str,
        query: &HashMap<String, String>,
        content_type: &str,
        body: &[u8],
    ) -> Answered {
        let (object, edge) = path.split_once('/').unwrap_or((path, ""));
        if method == Method::GET && edge.is_empty() {
            // a number
            return Ok(json!({"quality_rating": "GREEN", "messaging_limit_tier": "TIER_2K", "id": object}));
        }
        self.calls.push(format!("{method} {edge}"));
        let json = || serde_json::from_slice::<Value>(body).unwrap_or_default();
        match (method.as_str(), edge, object == BUSINESS_ACCOUNT) {
            ("POST", "message_templates", true) => self.create_template(&json()),
            ("GET", "message_templates", true) => Ok(self.list_templates(query)),
            ("DELETE", "message_templates", true) => self.delete_template(query),
            ("POST", "", false) => self.edit_template(object, &json()),
            ("POST", "flows", true) => self.create_flow(&json()),
            ("GET", "flows", true) => Ok(json!({"data": self.flows})),
            ("POST", "assets", false) => self.describe_flow(object, content_type, body),
            ("POST", "publish", false) => self.change_flow(object, "DRAFT", "PUBLISHED"),
            ("POST", "deprecate", false) => self.change_flow(object, "PUBLISHED", "DEPRECATED"),
            _ => refused("unknown path components"),
        }
    }

    fn next_id(&mut self) -> String {
        self.count += 1;
        format!("{}", 1_689_556_908_129_000 + self.count)
    }

    fn create_template(&mut self, given: &Value) -> Answered {
        against_template(given)?;
        let same = |one: &Value| one["name"] == given["name"] && one["language"] == given["language"];
        if self.templates.iter().any(same) {
            return refused("Content in this language already exists");
        }
        let mut template = given.clone();
        template["id"] = json!(self.next_id());
        template["status"] = json!("PENDING");
        template["rejected_reason"] = json!("NONE");
        template["quality_score"] = json!({"score": "UNKNOWN"});
        self.templates.push(template.clone());
        Ok(json!({"id": template["id"], "status": "PENDING", "category": template["category"]}))
    }

    /// Two a page, so that paging is met.
    fn list_templates(&self, query: &HashMap<String, String>) -> Value {
        let named = |one: &&Value| query.get("name").is_none_or(|name| one["name"] == **name);
        let from: usize = query.get("after").and_then(|after| after.parse().ok()).unwrap_or(0);
        let all: Vec<&Value> = self.templates.iter().filter(named).collect();
        let page: Vec<&Value> = all.iter().skip(from).take(2).copied().collect();
        let mut paging = json!({"cursors": {"before": from.to_string(), "after": (from + page.len()).to_string()}});
        if from + page.len() < all.len() {
            paging["next"] = json!("https://graph.facebook.com/next");
        }
        json!({"data": page, "paging": paging})
    }

    fn delete_template(&mut self, query: &HashMap<String, String>) -> Answered {
        let description: Value = serde_json::from_str(DESCRIPTION).expect("a description");
        let known = description["delete"]["query"].as_array().expect("names");
        if let Some(unknown) = query.keys().find(|name| !known.contains(&json!(name))) {
            return refused(format!("unknown parameter {unknown}"));
        }
        let fits =
            |one: &Value| query.get("hsm_id").is_some_and(|id| one["id"] == **id) && one["name"] == query["name"];
        let before = self.templates.len();
        self.templates.retain(|one| !fits(one));
        if self.templates.len() == before { refused("no such template") } else { Ok(json!({"success": true})) }
    }

    fn edit_template(&mut self, id: &str, given: &Value) -> Answered {
        let Some(template) = self.templates.iter_mut().find(|one| one["id"] == id) else {
            return refused("no such object");
        };
        if !["APPROVED", "REJECTED", "PAUSED"].contains(&template["status"].as_str().unwrap_or_default()) {
            return refused("the template cannot be edited now");
        }
        let mut whole = given.clone();
        whole["name"] = template["name"].clone();
        whole["language"] = template["language"].clone();
        against_template(&whole)?;
        template["components"] = given["components"].clone();
        template["status"] = json!("PENDING");
        Ok(json!({"success": true}))
    }

    fn create_flow(&mut self, given: &Value) -> Answered {
        let name = given["name"].as_str().unwrap_or_default();
        if name.is_empty() || given["categories"].as_array().is_none_or(|categories| categories.is_empty()) {
            return refused("a flow has a name and categories");
        }
        if self.flows.iter().any(|flow| flow["name"] == name) {
            return refused("a flow of that name exists");
        }
        let id = self.next_id();
        self.flows.push(json!({"id": id, "name": name, "status": "DRAFT"}));
        Ok(json!({"id": id, "success": true}))
    }

    fn describe_flow(&mut self, id: &str, content_type: &str, body: &[u8]) -> Answered {
        let text = String::from_utf8_lossy(body).into_owned();
        let part = |name: &str| text.split("\r\n--").find(|part| part.contains(&format!("name=\"{name}\"")));
        let value = |name: &str| {
            part(name).and_then(|part| part.split_once("\r\n\r\n")).map(|(_, value)| value.trim().to_owned())
        };
        if !content_type.starts_with("multipart/form-data") || value("asset_type").as_deref() != Some("FLOW_JSON") {
            return refused("expected a form with asset_type FLOW_JSON");
        }
        if value("name").as_deref() != Some("flow.json")
            || part("file").is_none_or(|part| !part.contains("application/json"))
        {
            return refused("expected the file flow.json");
        }
        let Some(description) = value("file").and_then(|file| serde_json::from_str::<Value>(&file).ok()) else {
            return refused("the file is not JSON");
        };
        let problems = std::mem::take(&mut self.problems);
        let Some(flow) = self.flows.iter_mut().find(|flow| flow["id"] == id) else { return refused("no such flow") };
        flow["description"] = description;
        flow["valid"] = json!(problems.is_empty());
        Ok(json!({"success": true, "validation_errors": problems}))
    }

    fn change_flow(&mut self, id: &str, from: &str, to: &str) -> Answered {
        let Some(flow) = self.flows.iter_mut().find(|flow| flow["id"] == id) else { return refused("no such flow") };
        if flow["status"] != from || flow["valid"] != true {
            return refused("the flow cannot be changed so");
        }
        flow["status"] = json!(to);
        Ok(json!({"success": true}))
    }
}

/// What the description, and its prose, have against a template.
fn against_template(given: &Value) -> Answered {
    let description: Value = serde_json::from_str(DESCRIPTION).expect("a description");
    let judge = jsonschema::draft202012::new(&description["create"]["request"]).expect("a schema");
    if let Some(error) = judge.iter_errors(given).next() {
        return refused(format!("{}: {error}", error.instance_path));
    }
    let name = given["name"].as_str().unwrap_or_default();
    let is_name = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    if name.is_empty() || !name.chars().all(is_name) {
        return refused("name: small letters, digits and underscores");
    }
    if !["MARKETING", "UTILITY", "AUTHENTICATION"].contains(&given["category"].as_str().unwrap_or_default()) {
        return refused("category: not one of the three");
    }
    let components = given["components"].as_array().map_or(&[][..], Vec::as_slice);
    let known = ["HEADER", "BODY", "FOOTER", "BUTTONS"];
    if components.iter().any(|one| !known.contains(&one["type"].as_str().unwrap_or_default())) {
        return refused("components: unknown type");
    }
    if !components.iter().any(|one| one["type"] == "BODY") || given["language"].as_str().is_none_or(str::is_empty) {
        return refused("a body and a language are required");
    }
    Ok(Value::Null)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_vendors_own_examples_pass_its_description() {
        let description: Value = serde_json::from_str(DESCRIPTION).unwrap();
        let judge = jsonschema::draft202012::new(&description["create"]["request"]).unwrap();
        let examples = description["create"]["examples"].as_array().unwrap();
        assert!(examples.len() > 5);
        for example in examples {
            assert!(judge.is_valid(example), "{example}");
        }
        assert!(
            against_template(&json!({"name": "A", "language": "en", "category": "UTILITY", "components": []})).is_err()
        );
    }
}
