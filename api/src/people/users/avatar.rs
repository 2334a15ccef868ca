//! Pictures of people. A picture is stored before its row refers to it, and the one before removed after: what breaks
//! off in between costs room in the store and nothing else.

use super::image::{self, ImageBody};
use crate::{
    auth::{Guard, SignedIn, permit},
    envelope::{Reply, ok},
    error::{ApiError, ApiResult},
    people::rules,
    request::Id,
    state::SharedState,
    tags::Tag,
    uploads::kept::{self, Kept},
};
use domain::{ids::UserId, permissions::Permission};
use futures_util::{TryStreamExt, stream};
use poem::{
    Body, IntoResponse, Response,
    http::{HeaderValue, header},
    web::Data,
};
use poem_openapi::{
    ApiResponse, Object, OpenApi,
    param::Path,
    payload::{Binary, Payload},
    registry::{MetaMediaType, MetaResponse, MetaResponses, Registry},
};
use providers::storage::StorageError;
use schema::{
    AsyncConnection,
    audit::{self, Entity},
    people::accounts,
};
use uuid::Uuid;

/// Pictures.
pub struct AvatarApi;

/// Where a picture is.
#[derive(Object)]
#[oai(rename_all = "camelCase")]
pub(crate) struct Avatar {
    /// Its path.
    avatar_url: String,
}

/// 200 with a picture.
pub struct Picture(Response);

impl IntoResponse for Picture {
    fn into_response(self) -> Response {
        self.0
    }
}

impl ApiResponse for Picture {
    fn meta() -> MetaResponses {
        let schema = Binary::<Body>::schema_ref();
        let content = ["image/png", "image/jpeg", "image/webp"];
        let content = content.map(|content_type| MetaMediaType { content_type, schema: schema.clone() }).into();
        let description = "The picture.";
        MetaResponses {
            responses: vec![MetaResponse {
                description,
                status: Some(200),
                status_range: None,
                content,
                headers: Vec::new(),
            }],
        }
    }

    fn register(_registry: &mut Registry) {}
}

#[OpenApi(prefix_path = "/api/users", tag = "Tag::Users")]
impl AvatarApi {
    /// Get a user's picture
    ///
    /// One's own, or with `users.view` those of others within reach.
    #[oai(path = "/:id/avatar", method = "get")]
    async fn get(&self, state: Data<&SharedState>, caller: SignedIn, id: Path<Id<UserId>>) -> ApiResult<Picture> {
        if caller.user_id != id.0.0 {
            caller.demand(Permission::UsersView)?;
        }
        reply(&state, &caller, id.0.0).await
    }

    /// Keep a user's picture
    ///
    /// A PNG, a JPEG or a WebP file of 1 MiB at most.
    #[oai(path = "/:id/avatar", method = "put")]
    async fn put(
        &self,
        state: Data<&SharedState>,
        caller: Guard<permit::UsersManage>,
        id: Path<Id<UserId>>,
        body: ImageBody,
    ) -> ApiResult<Reply<Avatar>> {
        ok(keep(&state, &caller, id.0.0, &body).await?)
    }
}

/// The picture of somebody within reach.
async fn reply(state: &SharedState, caller: &SignedIn, id: UserId) -> ApiResult<Picture> {
    let none = || ApiError::not_found("picture");
    let row = accounts::get(&mut *state.services.db.get().await?, id, caller.reach).await?;
    let key = row.and_then(|row| row.avatar_url).ok_or_else(none)?;
    let media_type = image::media_type(&key).ok_or_else(none)?;
    let reading = state.services.storage.get_stream(&key).await.map_err(|error| match error {
        StorageError::NotFound { .. } => none(),
        other => other.into(),
    })?;
    let content = Body::from_bytes_stream(reading.content.map_err(std::io::Error::other));
    let response = Response::builder()
        .content_type(media_type)
        .header(header::CONTENT_LENGTH, HeaderValue::from(reading.size))
        .header(header::CACHE_CONTROL, HeaderValue::from_static("private, max-age=300"))
        .header(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    Ok(Picture(response.body(content)))
}

/// Keeps somebody's picture, in place of the one before.
pub(crate) async fn keep(state: &SharedState, caller: &SignedIn, id: UserId, image: &ImageBody) -> ApiResult<Avatar> {
    let ending = image.ending()?;
    let kept = Kept::new(state.services.storage.clone(), format!("avatars/{}/{}.{ending}", id.0, Uuid::now_v7()));
    // refused before anything is stored
    if accounts::get(&mut *state.services.db.get().await?, id, caller.reach).await?.is_none() {
        return Err(ApiError::not_found("user"));
    }
    let content = stream::iter([Ok::<_, std::io::Error>(image.bytes())]);
    state.services.storage.put_stream(kept.key(), content, image::LONGEST as u64).await?;
    let now = state.services.clock.now();
    let mut connection = state.services.db.get().await?;
    let before = connection
        .transaction::<_, ApiError, _>(async |connection| {
            let before = rules::lock(connection, caller, id).await?;
            accounts::set_avatar(connection, id, Some(kept.key()), now).await?;
            audit::record(connection, &[caller.entry("user.avatar_changed", Entity::of(id))]).await?;
            Ok(before.avatar_url)
        })
        .await?;
    drop(connection);
    kept.hand_over();
    if let Some(before) = before {
        kept::remove(&state.services.storage, &before).await;
    }
    Ok(Avatar { avatar_url: format!("/api/users/{id}/avatar") })
}
