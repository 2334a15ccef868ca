//! What follows from an answer within a flow of replies, or to a template that leads into one: the next message, the case assigned, the case moved on. Done in
//! the transaction that records the answer, so that it follows once and only once.
//!
//! A flow that cannot be read any more leads nowhere, which is logged; the answer itself is kept as any other.

use crate::{
    queue::dispatch::Enqueued,
    sending::{content::Content, single},
};
use chrono::{DateTime, Utc};
use domain::messaging::{
    Channel, Purpose,
    flow::{FlowAction, ReplyFlow, next},
};
use schema::{
    AsyncPgConnection, DbError, QueryError,
    book::cases::{self, CaseChange},
    messages::NewSingle,
    provider_events::Received,
    whatsapp_flows,
};
use std::collections::{BTreeSet, HashMap};

/// An answer that may lead on in a flow.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Answer {
    pub event_id: i64,
    /// Our message that it answers.
    pub message: i64,
    /// The flow and its step that the message is; a template may lead into a flow and not be of it.
    pub flow: Option<(i64, String)>,
    /// The id of what was chosen, or what was written.
    pub choice: String,
    pub address: String,
    /// The provider's id of the answer.
    pub provider_message_id: Option<String>,
}

/// Does what follows from the answers that were recorded just now.
pub(super) async fn up(
    connection: &mut AsyncPgConnection,
    answers: &[Answer],
    received: &[Received],
    now: DateTime<Utc>,
) -> Result<Vec<Enqueued>, DbError> {
    let new: HashMap<i64, &Received> = received.iter().map(|row| (row.event_id, row)).collect();
    let answers: Vec<&Answer> = answers.iter().filter(|answer| new.contains_key(&answer.event_id)).collect();
    let loose: Vec<i64> = answers.iter().filter(|answer| answer.flow.is_none()).map(|answer| answer.message).collect();
    let begun = match loose.is_empty() {
        true => HashMap::new(),
        false => whatsapp_flows::of_templates(connection, &loose).await?,
    };
    // without a step: the template stands for the flow's first message
    let place = |answer: &Answer| match &answer.flow {
        Some((flow, step)) => Some((*flow, Some(step.clone()))),
        None => Some((*begun.get(&answer.message)?, None)),
    };
    let ids: BTreeSet<i64> = answers.iter().filter_map(|answer| Some(place(answer)?.0)).collect();
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let flows = whatsapp_flows::published(connection, &ids.into_iter().collect::<Vec<_>>()).await?;
    let read = |(id, definition)| match ReplyFlow::read(&definition) {
        Ok(flow) => Some((id, flow)),
        Err(fault) => {
            tracing::error!(flow = id, ?fault, "a flow cannot be read: answers lead nowhere");
            None
        }
    };
    let flows: HashMap<i64, ReplyFlow> = flows.into_iter().filter_map(read).collect();
    let (mut asked, mut changes) = (Vec::new(), Vec::new());
    for answer in answers {
        let Some((flow_id, step)) = place(answer) else { continue };
        let (Some(flow), Some(row)) = (flows.get(&flow_id), new.get(&answer.event_id)) else { continue };
        for action in next(flow, step.as_ref().unwrap_or(&flow.start), &answer.choice) {
            match (action, row.case_id) {
                (FlowAction::Send { step, content }, case_id) => {
                    let in_reply_to = answer.provider_message_id.clone();
                    let content = serde_json::to_value(Content::Whatsapp { content, in_reply_to });
                    asked.push(NewSingle {
                        channel: Channel::Whatsapp,
                        address: answer.address.clone(),
                        customer_id: row.customer_id,
                        policy_id: None,
                        case_id,
                        purpose: Purpose::Service,
                        topic: None,
                        template: None,
                        content: content.map_err(|e| DbError::Query(QueryError::SerializationError(Box::new(e))))?,
                        flow: Some((flow_id, step)),
                        due_at: now,
                        created_by: None,
                    });
                }
                (FlowAction::Assign(user), Some(case)) => {
                    changes.push(CaseChange { case, assigned_to: Some(user.0), status: None });
                }
                (FlowAction::ChangeCase(status), Some(case)) => {
                    changes.push(CaseChange { case, assigned_to: None, status: Some(status) });
                }
                // nobody's case: there is nothing to change
                (FlowAction::Assign(_) | FlowAction::ChangeCase(_), None) => {}
            }
        }
    }
    cases::change(connection, &changes, now).await?;
    single::ask_all(connection, &asked, now).await
}
