//! What a campaign's messages may say, and over which channels they go out: by its own template, those of its variants,
//! and those of the steps of its ladder.

use crate::{
    DbError,
    names::Known,
    template_versions::{SELECT, TemplateVersion},
};
use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::{BigInt, Text};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use domain::messaging::Channel;

/// Templates and their versions that messages of campaign $1 may be pinned to.
const PINNED: &str = "\
    SELECT c.template_id, COALESCE(c.template_version, t.version) AS version, TRUE AS own \
    FROM campaigns c JOIN templates t ON t.id = c.template_id WHERE c.id = $1 \
    UNION ALL SELECT template_id, template_version, FALSE FROM campaign_variants WHERE campaign_id = $1 \
    UNION ALL SELECT template_id, template_version, FALSE FROM campaign_steps WHERE campaign_id = $1 \
    UNION ALL SELECT fallback_template_id, fallback_template_version, FALSE FROM campaign_steps \
    WHERE campaign_id = $1 AND fallback_template_id IS NOT NULL";

/// The versions on the channel, in every language; those of the campaign's own template first, and of each template the
/// fallback first.
pub async fn texts(
    connection: &mut AsyncPgConnection,
    campaign: i64,
    channel: Channel,
) -> Result<Vec<TemplateVersion>, DbError> {
    let query = format!(
        "{SELECT} JOIN (SELECT template_id, version, bool_or(own) AS own FROM ({PINNED}) AS pinned \
                        GROUP BY template_id, version) AS p \
            ON p.template_id = v.template_id AND p.version = v.version \
         WHERE t.template_type = $2 ORDER BY p.own DESC, v.template_id, v.is_fallback DESC, v.id"
    );
    Ok(sql_query(query).bind::<BigInt, _>(campaign).bind::<Text, _>(channel.as_str()).load(connection).await?)
}

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = Text, deserialize_as = Known<Channel>)]
    channel: Channel,
}

/// The channels that the campaign goes out over, its own first.
pub async fn channels(connection: &mut AsyncPgConnection, campaign: i64) -> Result<Vec<Channel>, DbError> {
    let rows: Vec<Row> = sql_query(
        "SELECT channel FROM ( \
            SELECT campaign_type::TEXT AS channel, 0 AS place FROM campaigns WHERE id = $1 \
            UNION ALL SELECT channel, 1 FROM campaign_variants WHERE campaign_id = $1 \
            UNION ALL SELECT channel, 1 FROM campaign_steps WHERE campaign_id = $1 \
            UNION ALL SELECT fallback_channel, 1 FROM campaign_steps \
            WHERE campaign_id = $1 AND fallback_channel IS NOT NULL \
         ) AS used GROUP BY channel ORDER BY min(place), channel",
    )
    .bind::<BigInt, _>(campaign)
    .load(connection)
    .await?;
    Ok(rows.into_iter().map(|row| row.channel).collect())
}
