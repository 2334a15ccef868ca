//! A page for the public: one small template with its style inside, which may load and run nothing.
//!
//! Whatever is put into it is escaped; only what this folder writes as markup is markup.

use super::texts::Texts;
use base64::{Engine, engine::general_purpose::STANDARD as BASE64};
use poem::{
    IntoResponse, Response,
    http::{HeaderValue, StatusCode, header},
};
use poem_openapi::{
    ApiResponse,
    payload::{Html, Payload},
    registry::{MetaMediaType, MetaResponse, MetaResponses, Registry},
};
use sha2::{Digest, Sha256};
use std::{fmt::Write as _, sync::LazyLock};

const STYLE: &str = "*{box-sizing:border-box}body{margin:0;min-height:100vh;display:flex;align-items:center;\
justify-content:center;padding:1rem;background:#eef2f7;color:#1d2733;font:16px/1.5 system-ui,-apple-system,'Segoe UI',\
Roboto,'Noto Sans','Noto Sans Devanagari',sans-serif}main{width:100%;max-width:32rem;background:#fff;border-radius:12px;\
padding:2rem;box-shadow:0 1px 3px rgba(16,32,64,.12),0 8px 24px rgba(16,32,64,.08)}.brand{margin:0 0 1.5rem;\
font-weight:600;color:#0b5cab}h1{margin:0 0 .75rem;font-size:1.4rem;line-height:1.25}p{margin:0 0 1rem}\
fieldset{margin:0 0 1.25rem;padding:.75rem 1rem;border:1px solid #d5dde7;border-radius:8px}legend{padding:0 .4rem;\
font-weight:600}label{display:flex;gap:.6rem;align-items:flex-start;padding:.35rem 0;cursor:pointer}\
input{width:1.15rem;height:1.15rem;margin:.15rem 0 0;flex:none}button{width:100%;padding:.75rem 1rem;border:0;\
border-radius:8px;background:#0b5cab;color:#fff;font:inherit;font-weight:600;cursor:pointer}button:focus-visible,\
input:focus-visible,a:focus-visible{outline:3px solid #f2a900;outline-offset:2px}.quiet{color:#5a6775;font-size:.9rem}\
a{color:#0b5cab}@media (prefers-color-scheme:dark){body{background:#10161d;color:#e6ebf0}main{background:#1a222c;\
box-shadow:none}fieldset{border-color:#36424f}.brand,a{color:#7ab8f5}.quiet{color:#9fb0c0}}";

/// Nothing is loaded, nothing runs, forms go nowhere else, and nobody frames it.
static POLICY: LazyLock<String> = LazyLock::new(|| {
    let hash = BASE64.encode(Sha256::digest(STYLE));
    format!(
        "default-src 'none'; style-src 'sha256-{hash}'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    )
});

/// A mail may bring its own style and pictures from anywhere; nothing of it runs, and it is no page of ours.
const MAIL_POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; img-src 'self' https: data:; form-action 'none'; \
    base-uri 'none'; frame-ancestors 'none'; sandbox allow-popups allow-popups-to-escape-sandbox";

/// A page, with its status.
pub struct PageReply {
    status: StatusCode,
    language: Option<&'static str>,
    policy: &'static str,
    html: String,
}

impl PageReply {
    /// A mail as its author wrote it.
    pub fn mail(html: String) -> Self {
        Self { status: StatusCode::OK, language: None, policy: MAIL_POLICY, html }
    }
}

/// Markup under way.
pub struct Page {
    texts: &'static Texts,
    status: StatusCode,
    title: &'static str,
    body: String,
}

impl Page {
    /// An empty one.
    pub fn new(texts: &'static Texts, title: &'static str) -> Self {
        Self { texts, status: StatusCode::OK, title, body: String::new() }
    }

    /// With another status than 200.
    pub fn status(mut self, status: StatusCode) -> Self {
        self.status = status;
        self
    }

    /// A paragraph.
    pub fn paragraph(mut self, text: &str) -> Self {
        // writing to a text does not fail, here and below
        let _written = write!(self.body, "<p>{}</p>", escaped(text));
        self
    }

    /// A quieter one.
    pub fn quiet(mut self, text: &str) -> Self {
        let _written = write!(self.body, "<p class=\"quiet\">{}</p>", escaped(text));
        self
    }

    /// A form that comes back to the same address; `fields` is markup of [`group`].
    pub fn form(mut self, fields: &str, button: &str) -> Self {
        let _written = write!(
            self.body,
            "<form method=\"post\">{fields}<button type=\"submit\">{}</button></form>",
            escaped(button)
        );
        self
    }

    /// The whole of it.
    pub fn reply(self) -> PageReply {
        let Self { texts, status, title, body } = self;
        let html = format!(
            "<!doctype html><html lang=\"{}\"><head><meta charset=\"utf-8\">\
             <meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\
             <meta name=\"robots\" content=\"noindex\"><title>{title}</title><style>{STYLE}</style></head>\
             <body><main><p class=\"brand\">{}</p><h1>{title}</h1>{body}</main></body></html>",
            texts.language,
            escaped(texts.brand),
            title = escaped(title),
        );
        PageReply { status, language: Some(texts.language), policy: &POLICY, html }
    }
}

/// What can be ticked.
pub struct Box<'a> {
    /// `checkbox` or `radio`.
    pub kind: &'static str,
    /// The field.
    pub name: &'a str,
    /// Its value.
    pub value: &'a str,
    /// What it says.
    pub label: &'a str,
    /// Whether it is ticked to begin with.
    pub is_ticked: bool,
}

/// A group of boxes under a title, as markup.
pub fn group(title: &str, boxes: &[Box<'_>]) -> String {
    let inputs: String = boxes
        .iter()
        .map(|one| {
            format!(
                "<label><input type=\"{}\" name=\"{}\" value=\"{}\"{}><span>{}</span></label>",
                one.kind,
                escaped(one.name),
                escaped(one.value),
                if one.is_ticked { " checked" } else { "" },
                escaped(one.label)
            )
        })
        .collect();
    format!("<fieldset><legend>{}</legend>{inputs}</fieldset>", escaped(title))
}

/// Text that is no markup, in elements and in quoted attributes.
fn escaped(text: &str) -> String {
    text.chars().fold(String::with_capacity(text.len()), |mut safe, c| {
        match c {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            other => safe.push(other),
        }
        safe
    })
}

impl IntoResponse for PageReply {
    fn into_response(self) -> Response {
        let mut response = Response::builder()
            .status(self.status)
            .content_type("text/html; charset=utf-8")
            .header(header::VARY, "accept-language")
            .body(self.html);
        if let Ok(policy) = HeaderValue::from_str(self.policy) {
            response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, policy);
        }
        if let Some(language) = self.language {
            response.headers_mut().insert(header::CONTENT_LANGUAGE, HeaderValue::from_static(language));
        }
        response
    }
}

impl ApiResponse for PageReply {
    fn meta() -> MetaResponses {
        let page = |status, description| MetaResponse {
            description,
            status: Some(status),
            status_range: None,
            content: vec![MetaMediaType {
                content_type: "text/html; charset=utf-8",
                schema: Html::<String>::schema_ref(),
            }],
            headers: Vec::new(),
        };
        MetaResponses { responses: vec![page(200, "A page."), page(404, "A page that says the link is none.")] }
    }

    fn register(_registry: &mut Registry) {}
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::public::texts::ENGLISH;

    #[test]
    fn nothing_that_is_put_in_is_markup() {
        let evil = "<script>alert('1')</script>\" onload=\"x";
        let boxes = [Box { kind: "checkbox", name: evil, value: evil, label: evil, is_ticked: true }];
        let page = Page::new(&ENGLISH, "A title").paragraph(evil).quiet(evil).form(&group(evil, &boxes), evil).reply();
        assert!(!page.html.contains("<script") && !page.html.contains("\" onload"), "{}", page.html);
        assert!(page.html.contains("&lt;script&gt;"));
    }

    #[test]
    fn the_policy_names_the_style_that_is_there() {
        assert!(POLICY.contains("style-src 'sha256-") && !POLICY.contains("unsafe"));
    }
}
