//! `/v/{token}`: a mail as a page, for programs that show it badly.

use super::{page::PageReply, texts::Texts, track::broken};
use crate::{error::ApiResult, state::SharedState, tags::Tag};
use domain::messaging::tracking::Kind;
use jobs::sending::view::view;
use poem::{Request, http::header, web::Data};
use poem_openapi::{OpenApi, param::Path};

/// Mails as pages.
pub struct ViewApi;

#[OpenApi(prefix_path = "/v", tag = "Tag::Public")]
impl ViewApi {
    /// Show a mail
    #[oai(path = "/:token", method = "get")]
    async fn show(&self, state: Data<&SharedState>, request: &Request, token: Path<String>) -> ApiResult<PageReply> {
        let texts = Texts::of(request.header(header::ACCEPT_LANGUAGE));
        let read = state.links.read(&token.0).ok().filter(|read| read.kind == Kind::View);
        let Some(read) = read else { return Ok(broken(texts)) };
        let found = view(&state.services, read.message).await?;
        Ok(found.map_or_else(|| broken(texts), |found| PageReply::mail(found.html)))
    }
}
