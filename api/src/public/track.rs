//! `/t/…`: pictures and links of mails. What they tell goes into a bounded memory; nothing is read from the database.
//!
//! A link leads only where its token says. A token that is none gets the picture all the same, or a page that says so.

use super::{page::Page, texts::Texts};
use crate::{auth::Origin, edge::IsHead, error::ApiResult, state::SharedState, tags::Tag};
use domain::messaging::{
    Feedback,
    tracking::{Kind, Visit},
};
use jobs::tracking::{Seen, click_event, open_event};
use poem::{
    IntoResponse, Request, Response,
    http::{HeaderValue, StatusCode, header},
    web::Data,
};
use poem_openapi::{
    ApiResponse, OpenApi,
    param::Path,
    payload::{Binary, Payload},
    registry::{MetaMediaType, MetaResponse, MetaResponses, Registry},
};

/// The smallest picture there is: one transparent point (GIF 89a).
const PIXEL: &[u8] = b"GIF89a\x01\x00\x01\x00\x80\x00\x00\x00\x00\x00\x00\x00\x00\x21\xf9\x04\x01\x00\x00\x00\x00\x2c\
    \x00\x00\x00\x00\x01\x00\x01\x00\x00\x02\x02\x44\x01\x00\x3b";
/// Where programs say that they only look ahead.
const PURPOSES: [&str; 3] = ["sec-purpose", "purpose", "x-moz"];

/// Pictures and links of mails.
pub struct TrackingApi;

/// A picture.
struct Picture;

impl IntoResponse for Picture {
    fn into_response(self) -> Response {
        Response::builder()
            .content_type("image/gif")
            .header(header::CACHE_CONTROL, HeaderValue::from_static("no-store, private, max-age=0"))
            .body(PIXEL)
    }
}

fn described(status: u16, description: &'static str, content_type: &'static str) -> MetaResponse {
    MetaResponse {
        description,
        status: Some(status),
        status_range: None,
        content: vec![MetaMediaType { content_type, schema: Binary::<Vec<u8>>::schema_ref() }],
        headers: Vec::new(),
    }
}

impl ApiResponse for Picture {
    fn meta() -> MetaResponses {
        MetaResponses { responses: vec![described(200, "A transparent point.", "image/gif")] }
    }

    fn register(_registry: &mut Registry) {}
}

/// The way on, or a page that says there is none.
struct Onward(Response);

impl IntoResponse for Onward {
    fn into_response(self) -> Response {
        self.0
    }
}

impl ApiResponse for Onward {
    fn meta() -> MetaResponses {
        let found = MetaResponse { content: Vec::new(), ..described(302, "Where the link leads.", "") };
        MetaResponses {
            responses: vec![found, described(404, "A page that says the link is none.", "text/html; charset=utf-8")],
        }
    }

    fn register(_registry: &mut Registry) {}
}

/// Who comes by, told from programs.
fn is_automatic(request: &Request, origin: &Origin, feedback: Feedback) -> bool {
    let visit = Visit {
        agent: origin.user_agent.as_deref(),
        address: origin.address,
        is_head: request.data::<IsHead>().is_some_and(|head| head.0),
        purpose: PURPOSES.into_iter().find_map(|name| request.header(name)),
    };
    visit.is_automatic(feedback)
}

#[OpenApi(prefix_path = "/t", tag = "Tag::Public")]
impl TrackingApi {
    /// Load a mail's picture
    ///
    /// The last part of the path is a token, and `.gif`.
    #[oai(path = "/o/:token", method = "get")]
    async fn open(&self, state: Data<&SharedState>, request: &Request, token: Path<String>) -> ApiResult<Picture> {
        let token = token.0.strip_suffix(".gif").unwrap_or(&token.0);
        if let Ok(read) = state.links.read(token)
            && read.kind == Kind::Open
        {
            let origin = Origin::of(request);
            let automatic = is_automatic(request, &origin, Feedback::Opened);
            let at = state.services.clock.now();
            let seen = Seen { message: read.message, at, automatic, agent: origin.user_agent.as_deref() };
            state.recorder.record(open_event(&seen));
        }
        Ok(Picture)
    }

    /// Follow a mail's link
    #[oai(path = "/c/:token", method = "get")]
    async fn click(&self, state: Data<&SharedState>, request: &Request, token: Path<String>) -> ApiResult<Onward> {
        let texts = Texts::of(request.header(header::ACCEPT_LANGUAGE));
        let read = state.links.read(&token.0).ok();
        let (message, url, link) = match read.map(|read| (read.message, read.kind)) {
            Some((message, Kind::Click { url, link })) => (message, url, link),
            _ => return Ok(Onward(broken(texts).into_response())),
        };
        let Ok(location) = HeaderValue::from_str(&url) else { return Ok(Onward(broken(texts).into_response())) };
        let origin = Origin::of(request);
        let automatic = is_automatic(request, &origin, Feedback::Clicked);
        let at = state.services.clock.now();
        let seen = Seen { message, at, automatic, agent: origin.user_agent.as_deref() };
        state.recorder.record(click_event(&seen, url, link));
        Ok(Onward(Response::builder().status(StatusCode::FOUND).header(header::LOCATION, location).finish()))
    }
}

/// The page for a link that is none of ours.
pub(super) fn broken(texts: &'static Texts) -> super::page::PageReply {
    Page::new(texts, texts.broken_title).status(StatusCode::NOT_FOUND).paragraph(texts.broken).reply()
}
