//! Conditions on records beside the customer and the policy, as semi-joins.

use super::compile::{Compiler, Names, Value, not};
use domain::campaigns::audience::{Claims, Count, MessageEvent, Messages, Quantity, Said, Surveys};
use domain::messaging::{Channel, Purpose};

/// An upload's policies: those it created, those it touched last, and those it changed before another upload did.
const OF_UPLOADS: [&str; 3] = [
    "SELECT id FROM policies WHERE upload_id = ANY(",
    "SELECT id FROM policies WHERE created_by_upload = ANY(",
    "SELECT entity_id FROM upload_changes WHERE entity = 'policy' AND upload_id = ANY(",
];

impl Compiler<'_> {
    pub(super) fn messages(&mut self, count: Count, messages: &Messages, at: &Names) -> String {
        let time = match messages.event {
            MessageEvent::Sent => "sent_at",
            MessageEvent::Delivered => "delivered_at",
            MessageEvent::Opened => "opened_at",
            MessageEvent::Clicked => "clicked_at",
            MessageEvent::Replied => "replied_at",
            MessageEvent::Bounced => "bounced_at",
            MessageEvent::Complained => "complained_at",
            MessageEvent::Unsubscribed => "unsubscribed_at",
            MessageEvent::Failed => "failed_at",
        };
        let mut all = vec![format!("m.{time} IS NOT NULL AND NOT m.rehearsal")];
        if !messages.channels.is_empty() {
            let names = messages.channels.iter().map(|channel| channel.as_str().to_owned()).collect();
            all.push(format!("m.channel = ANY({})", self.bind(Value::Texts(names))));
        }
        if let Some(campaign) = messages.campaign {
            all.push(format!("m.campaign_id = {}", self.bind(Value::Id(campaign.0))));
        }
        if let Some(template) = messages.template {
            all.push(format!("m.template_id = {}", self.bind(Value::Id(template.0))));
        }
        if let Some(days) = messages.within_days {
            let since = self.day.start_of(self.day.plus(-days));
            all.push(format!("m.{time} >= {}", self.bind(Value::Moment(since))));
        }
        if messages.about_policy {
            all.push(format!("m.policy_id = {}.id", at.policy));
        }
        counted(count, &format!("messages m WHERE m.customer_id = {}.id AND {}", at.customer, all.join(" AND ")))
    }

    pub(super) fn surveys(&mut self, count: Count, surveys: &Surveys, at: &Names) -> String {
        let mut all = vec![format!("r.customer_id = {}.id", at.customer)];
        if let Some(survey) = surveys.survey {
            all.push(format!("r.survey_id = {}", self.bind(Value::Id(survey.0))));
        }
        if let Some(days) = surveys.within_days {
            let since = self.day.start_of(self.day.plus(-days));
            all.push(format!("r.created_at >= {}", self.bind(Value::Moment(since))));
        }
        if let Some(score) = surveys.score {
            const SCORE: &str = "(CASE WHEN jsonb_typeof(r.responses -> 'score') = 'number' \
                                       THEN (r.responses ->> 'score')::NUMERIC END)";
            all.push(self.within(SCORE, score));
        }
        counted(count, &format!("survey_responses r WHERE {}", all.join(" AND ")))
    }

    pub(super) fn claims(&mut self, count: Count, claims: &Claims, at: &Names) -> String {
        let mut all = vec![match claims.of_policy {
            true => format!("k.policy_id = {}.id", at.policy),
            false => format!("kp.customer_id = {}.id", at.customer),
        }];
        if !claims.statuses.is_empty() {
            all.push(format!("k.status = ANY({})", self.bind(Value::Texts(claims.statuses.clone()))));
        }
        if !claims.types.is_empty() {
            all.push(format!("lower(k.claim_type) = ANY({})", self.bind(Value::Texts(claims.types.clone()))));
        }
        if let Some(amount) = claims.amount {
            all.push(self.within("k.claim_amount", amount));
        }
        if let Some(days) = claims.within_days {
            all.push(format!("k.reported_date >= {}", self.bind(Value::Date(self.day.plus(-days)))));
        }
        let from = if claims.of_policy { "claims k" } else { "claims k JOIN policies kp ON kp.id = k.policy_id" };
        counted(count, &format!("{from} WHERE {}", all.join(" AND ")))
    }

    /// Whether the policy is one of uploads'.
    pub(crate) fn uploads(&mut self, ids: Vec<i64>, at: &Names) -> String {
        let ids = self.bind(Value::Ids(ids));
        let each = OF_UPLOADS.map(|select| format!("{select}{ids})"));
        format!("{}.id IN ({})", at.policy, each.join(" UNION "))
    }

    pub(super) fn tags(&mut self, quantity: Quantity, tags: &[String], at: &Names) -> String {
        let mut tags = tags.to_vec();
        tags.sort_unstable();
        tags.dedup();
        let of_customer = format!("customer_tags t WHERE t.customer_id = {}.id", at.customer);
        let any = |this: &mut Self, tags: Vec<String>| {
            format!("EXISTS (SELECT FROM {of_customer} AND t.tag = ANY({}))", this.bind(Value::Texts(tags)))
        };
        match quantity {
            Quantity::Any => any(self, tags),
            Quantity::None => not(&any(self, tags)),
            // one index look-up a tag, or a count where they are many
            Quantity::All if tags.len() <= 8 => {
                let each: Vec<String> = tags.into_iter().map(|tag| any(self, vec![tag])).collect();
                format!("({})", each.join(" AND "))
            }
            Quantity::All => {
                let (count, tags) = (tags.len(), self.bind(Value::Texts(tags)));
                format!("(SELECT count(*) FROM {of_customer} AND t.tag = ANY({tags})) = {count}")
            }
        }
    }

    pub(super) fn consent(&mut self, channel: Channel, purpose: Purpose, said: Said, at: &Names) -> String {
        let channel = self.bind(Value::Text(channel.as_str().to_owned()));
        let purpose = self.bind(Value::Text(purpose.as_str().to_owned()));
        let word = |how: &str| {
            format!(
                "EXISTS (SELECT FROM consents s WHERE s.customer_id = {}.id AND s.channel = {channel} \
                           AND s.purpose = {purpose}{how})",
                at.customer
            )
        };
        match said {
            Said::Granted => word(" AND s.granted"),
            Said::Refused => word(" AND NOT s.granted"),
            Said::Unknown => not(&word("")),
        }
    }
}

/// Whether there are as many as there have to be; no more are read than that takes.
fn counted(count: Count, rows: &str) -> String {
    match (count.min, count.max) {
        (0, None) => "TRUE".to_owned(),
        (1, None) => format!("EXISTS (SELECT FROM {rows})"),
        (0, Some(0)) => format!("NOT EXISTS (SELECT FROM {rows})"),
        (min, None) => format!("(SELECT count(*) FROM (SELECT FROM {rows} LIMIT {min}) enough) >= {min}"),
        (min, Some(max)) => {
            let limit = i64::from(max) + 1;
            format!("(SELECT count(*) FROM (SELECT FROM {rows} LIMIT {limit}) enough) BETWEEN {min} AND {max}")
        }
    }
}
