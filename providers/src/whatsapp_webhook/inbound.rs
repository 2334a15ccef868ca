//! A message that somebody wrote to us.

use super::status::phone;
use crate::messaging::InboundEvent;
use serde_json::Value;

/// The longest text that is kept, in characters; WhatsApp's own limit is 4,096.
const TEXT_LIMIT: usize = 8_192;
/// The longest profile name that is kept, in characters.
const NAME_LIMIT: usize = 255;

/// The event and its id; `None` when nobody can be told from it.
pub(super) fn read(item: &Value, contact: &Value) -> Option<(String, InboundEvent)> {
    let wamid = item["id"].as_str().filter(|id| (1..=255).contains(&id.len()))?;
    let answered = item["context"]["id"].as_str().or_else(|| item["reaction"]["message_id"].as_str());
    let event = InboundEvent {
        provider_message_id: wamid.to_owned(),
        from: item["from"].as_str().and_then(phone)?,
        text: text_of(item).map(|text| text.chars().take(TEXT_LIMIT).collect()),
        in_reply_to: answered.filter(|id| (1..=255).contains(&id.len())).map(str::to_owned),
        choice: choice_of(item),
        content: content_of(item),
        profile_name: contact["profile"]["name"].as_str().map(|name| name.chars().take(NAME_LIMIT).collect()),
    };
    Some((format!("in:{wamid}"), event))
}

/// The sender's entry among the contacts of the change.
pub(super) fn contact_of<'a>(item: &Value, contacts: &'a [Value]) -> &'a Value {
    let from = &item["from"];
    match contacts {
        [only] => only,
        several => several.iter().find(|contact| contact["wa_id"] == *from).unwrap_or(&Value::Null),
    }
}

/// The id of what was chosen: what leads on in a flow of replies.
fn choice_of(item: &Value) -> Option<String> {
    let interactive = &item["interactive"];
    let chosen = match item["type"].as_str()? {
        "button" => item["button"]["payload"].as_str(),
        "interactive" => interactive[interactive["type"].as_str()?]["id"].as_str(),
        _ => None,
    };
    chosen.filter(|id| (1..=255).contains(&id.len())).map(str::to_owned)
}

/// What came besides words: a form's answers, or a file by its id at the provider.
fn content_of(item: &Value) -> Option<Value> {
    let kind = item["type"].as_str()?;
    match kind {
        "interactive" if item["interactive"]["type"] == "nfm_reply" => {
            let answers = item["interactive"]["nfm_reply"]["response_json"].as_str()?;
            let answers: Value = serde_json::from_str(answers).ok()?;
            Some(serde_json::json!({"type": "flow", "answers": answers}))
        }
        "image" | "video" | "document" | "audio" | "sticker" => {
            let file = &item[kind];
            let of = |name: &str| file[name].as_str().map(|text| text.chars().take(NAME_LIMIT).collect::<String>());
            Some(serde_json::json!({
                "type": kind, "id": of("id")?, "mimeType": of("mime_type"), "filename": of("filename"),
            }))
        }
        _ => None,
    }
}

fn text_of(item: &Value) -> Option<&str> {
    let kind = item["type"].as_str()?;
    let text = match kind {
        "text" => &item["text"]["body"],
        "button" => &item["button"]["text"],
        "reaction" => &item["reaction"]["emoji"],
        "interactive" => match item["interactive"]["type"].as_str()? {
            reply @ ("button_reply" | "list_reply") => &item["interactive"][reply]["title"],
            _ => return None,
        },
        "image" | "video" | "document" => &item[kind]["caption"],
        _ => return None,
    };
    text.as_str().filter(|text| !text.trim().is_empty())
}
