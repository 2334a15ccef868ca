//! Which entries are asked for. Fails by field.

use crate::{
    error::{ApiError, ApiResult},
    request::{Id, blank_is_none},
};
use chrono::{DateTime, Utc};
use domain::ids::UserId;
use poem_openapi::Object;
use schema::audit::Filter;

/// Which entries; what is left out does not narrow.
#[derive(Debug, Default, Object)]
#[oai(rename_all = "camelCase", rename = "AuditFilter")]
pub struct Wanted {
    /// About this kind of thing: `upload`, `campaign`, `session`.
    #[oai(validator(max_length = 50))]
    pub entity_type: Option<String>,
    /// About this one: `upload-12`.
    #[oai(validator(max_length = 80))]
    pub entity_id: Option<String>,
    /// About the one of this name, for what has no number: a job's id, a queue's name.
    #[oai(validator(max_length = 100))]
    pub entity_key: Option<String>,
    /// By this person.
    pub actor_id: Option<Id<UserId>>,
    /// This was done: `campaign.paused`.
    #[oai(validator(max_length = 100))]
    pub action: Option<String>,
    /// Not before.
    pub from: Option<DateTime<Utc>>,
    /// Before.
    pub to: Option<DateTime<Utc>>,
}

impl Wanted {
    /// As the log is asked.
    pub fn checked(self) -> ApiResult<Filter> {
        if let (Some(from), Some(to)) = (self.from, self.to)
            && to <= from
        {
            return Err(ApiError::invalid("to", "is not after from"));
        }
        let mut entity_type = blank_is_none(self.entity_type);
        let mut entity_id = None;
        if let Some(id) = blank_is_none(self.entity_id) {
            let (kind, number) =
                read_id(&id).ok_or_else(|| ApiError::invalid("entityId", "expected such as upload-12"))?;
            if entity_type.as_deref().is_some_and(|given| given != kind) {
                return Err(ApiError::invalid("entityId", "is not of that entityType"));
            }
            (entity_type, entity_id) = (Some(kind), Some(number));
        }
        let entity_key = blank_is_none(self.entity_key);
        if entity_key.is_some() && entity_type.is_none() {
            return Err(ApiError::invalid("entityType", "is needed with entityKey"));
        }
        Ok(Filter {
            entity_type,
            entity_id,
            entity_key,
            actor: self.actor_id.map(|actor| actor.0),
            action: blank_is_none(self.action),
            from: self.from,
            to: self.to,
        })
    }
}

fn read_id(text: &str) -> Option<(String, i64)> {
    let (kind, number) = text.rsplit_once('-')?;
    let number = number.parse::<i64>().ok().filter(|number| *number > 0)?;
    (!kind.is_empty()).then(|| (kind.to_owned(), number))
}
