//! Reply flows: messages, and for each answer the next message, an assignment of the case or a change of its status.

use super::{
    FlowFault,
    graph::{Routes, leading_to, reached},
};
use crate::{
    book::CaseStatus,
    ids::UserId,
    messaging::whatsapp::{ButtonKind, Interactive, WhatsappContent},
};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// The most steps.
const STEP_LIMIT: usize = 50;
/// The longest name of a step, as `messages.flow_step` takes it.
const NAME_LIMIT: usize = 50;
/// The most that follows from one answer.
const FOLLOW_LIMIT: usize = 5;

/// A reply flow.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReplyFlow {
    /// The first step.
    pub start: String,
    /// The steps by name.
    pub steps: BTreeMap<String, Step>,
}

/// A message, and what follows from its answers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Step {
    /// What is sent.
    pub content: WhatsappContent,
    /// What follows, by the id of the button or row, or the token of the form. Nothing: the flow ends there.
    #[serde(default)]
    pub answers: BTreeMap<String, Vec<Follow>>,
    /// What follows from any other answer, such as a text.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub otherwise: Vec<Follow>,
}

/// What follows from an answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "do", rename_all = "snake_case", deny_unknown_fields)]
pub enum Follow {
    /// The next message.
    Step {
        /// Its name.
        step: String,
    },
    /// The case becomes somebody's.
    Assign {
        /// Whose.
        user: UserId,
    },
    /// The case changes its status.
    CaseStatus {
        /// To this one.
        status: CaseStatus,
    },
}

/// What is to be done now.
#[derive(Debug, Clone, PartialEq)]
pub enum FlowAction {
    /// Send this, as that step.
    Send {
        /// The step.
        step: String,
        /// What it says.
        content: WhatsappContent,
    },
    /// The case becomes somebody's.
    Assign(UserId),
    /// The case changes its status.
    ChangeCase(CaseStatus),
}

/// What follows from a choice at a step, in order. A step or choice that the flow does not know leads nowhere.
pub fn next(definition: &ReplyFlow, step: &str, choice: &str) -> Vec<FlowAction> {
    let Some(step) = definition.steps.get(step) else { return Vec::new() };
    let follows = step.answers.get(choice).unwrap_or(&step.otherwise);
    let action = |follow: &Follow| match follow {
        Follow::Step { step } => definition
            .steps
            .get(step)
            .map(|next| FlowAction::Send { step: step.clone(), content: next.content.clone() }),
        Follow::Assign { user } => Some(FlowAction::Assign(*user)),
        Follow::CaseStatus { status } => Some(FlowAction::ChangeCase(*status)),
    };
    follows.iter().filter_map(action).collect()
}

impl ReplyFlow {
    /// Reads a definition.
    pub fn read(definition: &serde_json::Value) -> Result<Self, FlowFault> {
        Self::deserialize(definition).map_err(|error| FlowFault::new("", error.to_string()))
    }

    /// The first message: what a flow begins with.
    pub fn first(&self) -> Option<FlowAction> {
        let step = self.steps.get(&self.start)?;
        Some(FlowAction::Send { step: self.start.clone(), content: step.content.clone() })
    }

    /// Everything that is wrong with it.
    pub fn check(&self) -> Vec<FlowFault> {
        let mut faults = Vec::new();
        if self.steps.is_empty() || self.steps.len() > STEP_LIMIT {
            faults.push(FlowFault::new("steps", format!("expected 1 to {STEP_LIMIT}")));
        }
        if !self.steps.contains_key(&self.start) {
            faults.push(FlowFault::new("start", format!("there is no step {}", self.start)));
        }
        for (name, step) in &self.steps {
            let is_named = name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-');
            if name.is_empty() || name.len() > NAME_LIMIT || !is_named {
                let problem = format!("expected a name of 1 to {NAME_LIMIT} letters, digits, dashes and underscores");
                faults.push(FlowFault::new(format!("steps.{name}"), problem));
            }
            self.check_step(name, step, &mut faults);
        }
        // where steps are missing, what can be reached says nothing
        if faults.is_empty() {
            self.check_routes(&mut faults);
        }
        faults
    }

    fn check_step(&self, name: &str, step: &Step, faults: &mut Vec<FlowFault>) {
        let path = format!("steps.{name}");
        for fault in step.content.check() {
            faults.push(FlowFault::new(format!("{path}.content.{}", fault.field), fault.problem));
        }
        let choices = choices(&step.content);
        for choice in &choices {
            if !step.answers.contains_key(*choice) {
                faults.push(FlowFault::new(format!("{path}.answers.{choice}"), "is missing: say what follows, or []"));
            }
        }
        for (choice, follows) in &step.answers {
            let path = format!("{path}.answers.{choice}");
            if !choices.contains(choice.as_str()) {
                faults.push(FlowFault::new(&path, "the message has no such choice"));
            }
            self.check_follows(&path, follows, faults);
        }
        self.check_follows(&format!("{path}.otherwise"), &step.otherwise, faults);
    }

    fn check_follows(&self, path: &str, follows: &[Follow], faults: &mut Vec<FlowFault>) {
        if follows.len() > FOLLOW_LIMIT {
            faults.push(FlowFault::new(path, format!("expected at most {FOLLOW_LIMIT}")));
        }
        if follows.iter().filter(|follow| matches!(follow, Follow::Step { .. })).count() > 1 {
            faults.push(FlowFault::new(path, "leads to more than one step"));
        }
        for (at, follow) in follows.iter().enumerate() {
            if let Follow::Step { step } = follow
                && !self.steps.contains_key(step)
            {
                faults.push(FlowFault::new(format!("{path}[{at}].step"), format!("there is no step {step}")));
            }
        }
    }

    fn check_routes(&self, faults: &mut Vec<FlowFault>) {
        let target = |follows: &[Follow]| {
            follows.iter().find_map(|follow| match follow {
                Follow::Step { step } => self.steps.get_key_value(step).map(|(name, _)| name.as_str()),
                _ => None,
            })
        };
        let mut routes = Routes::new();
        let mut ends = Vec::new();
        for (name, step) in &self.steps {
            let answers: Vec<Option<&str>> = step.answers.values().map(|follows| target(follows)).collect();
            // a text has no choices; whoever writes something else gets where it says, or nowhere
            let is_end =
                answers.iter().any(Option::is_none) || (answers.is_empty() && target(&step.otherwise).is_none());
            if is_end {
                ends.push(name.as_str());
            }
            let targets = answers.into_iter().chain([target(&step.otherwise)]).flatten().collect();
            routes.insert(name.as_str(), targets);
        }
        let known = reached(&routes, [self.start.as_str()]);
        let ending = leading_to(&routes, ends);
        for name in self.steps.keys().map(String::as_str) {
            if !known.contains(name) {
                faults.push(FlowFault::new(format!("steps.{name}"), "is never reached"));
            } else if !ending.contains(name) {
                faults.push(FlowFault::new(format!("steps.{name}"), "no answer ever leads to an end"));
            }
        }
    }
}

/// What somebody may choose of a message.
fn choices(content: &WhatsappContent) -> BTreeSet<&str> {
    match content {
        WhatsappContent::Interactive(Interactive::Buttons { buttons, .. }) => {
            buttons.iter().map(|button| button.id.as_str()).collect()
        }
        WhatsappContent::Interactive(Interactive::List { sections, .. }) => {
            sections.iter().flat_map(|section| &section.rows).map(|row| row.id.as_str()).collect()
        }
        WhatsappContent::Interactive(Interactive::Flow { token, .. }) => [token.as_str()].into(),
        WhatsappContent::Template(template) => {
            let chosen = template.buttons.iter().filter_map(|button| match &button.kind {
                ButtonKind::QuickReply { payload } => Some(payload.as_str()),
                ButtonKind::Flow { token, .. } => Some(token.as_str()),
                ButtonKind::Url { .. } | ButtonKind::CopyCode { .. } => None,
            });
            chosen.collect()
        }
        WhatsappContent::Text { .. } | WhatsappContent::Image(_) | WhatsappContent::Document(_) => BTreeSet::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn buttons(ids: &[&str]) -> Value {
        let buttons: Vec<_> = ids.iter().map(|id| json!({"id": id, "title": id})).collect();
        json!({"type": "interactive", "kind": "buttons", "body": "Renew?", "buttons": buttons})
    }

    fn text(body: &str) -> Value {
        json!({"type": "text", "body": body})
    }

    fn renewal() -> Value {
        json!({"start": "ask", "steps": {
            "ask": {"content": buttons(&["yes", "no", "call"]), "answers": {
                "yes": [{"do": "case_status", "status": "payment_pending"}, {"do": "step", "step": "thanks"}],
                "no": [{"do": "step", "step": "why"}],
                "call": [{"do": "assign", "user": "user-7"}],
            }, "otherwise": [{"do": "step", "step": "ask"}]},
            "why": {"content": buttons(&["price", "back"]), "answers": {
                "price": [{"do": "assign", "user": "user-7"}], "back": [{"do": "step", "step": "ask"}],
            }},
            "thanks": {"content": text("Thank you")},
        }})
    }

    fn faults(definition: &Value) -> Vec<String> {
        let flow = ReplyFlow::read(definition).unwrap();
        flow.check().into_iter().map(|fault| format!("{}: {}", fault.path, fault.problem)).collect()
    }

    #[test]
    fn an_answer_leads_on() {
        let flow = ReplyFlow::read(&renewal()).unwrap();
        assert_eq!(flow.check(), []);
        let send = |step: &str| FlowAction::Send { step: step.to_owned(), content: flow.steps[step].content.clone() };
        assert_eq!(next(&flow, "ask", "yes"), [FlowAction::ChangeCase(CaseStatus::PaymentPending), send("thanks")]);
        assert_eq!(next(&flow, "ask", "call"), [FlowAction::Assign(UserId(7))]);
        assert_eq!(next(&flow, "ask", "what?"), [send("ask")]);
        assert_eq!(next(&flow, "why", "what?"), []);
        assert_eq!(next(&flow, "nowhere", "yes"), []);
        assert_eq!(flow.first(), Some(send("ask")));
    }

    #[test]
    fn what_is_wrong_is_named_by_path() {
        let mut unknown = renewal();
        unknown["start"] = json!("begin");
        unknown["steps"]["ask"]["answers"]["no"][0]["step"] = json!("nowhere");
        unknown["steps"]["ask"]["answers"]["maybe"] = json!([]);
        unknown["steps"]["why"]["answers"].as_object_mut().unwrap().remove("price");
        unknown["steps"]["thanks"]["content"]["body"] = json!("");
        assert_eq!(
            faults(&unknown),
            [
                "start: there is no step begin",
                "steps.ask.answers.maybe: the message has no such choice",
                "steps.ask.answers.no[0].step: there is no step nowhere",
                "steps.thanks.content.body: is required",
                "steps.why.answers.price: is missing: say what follows, or []",
            ]
        );
        let mut lonely = renewal();
        lonely["steps"]["island"] = json!({"content": text("Hello")});
        assert_eq!(faults(&lonely), ["steps.island: is never reached"]);
    }

    #[test]
    fn a_loop_needs_a_way_out() {
        let step = |to: &str| json!({"content": buttons(&["on"]), "answers": {"on": [{"do": "step", "step": to}]}});
        let endless = json!({"start": "a", "steps": {"a": step("b"), "b": step("a")}});
        assert_eq!(
            faults(&endless),
            ["steps.a: no answer ever leads to an end", "steps.b: no answer ever leads to an end"]
        );
    }

    #[test]
    fn what_is_no_flow_is_one_fault() {
        for definition in [json!(null), json!({"start": 1}), json!({"start": "a", "steps": {"a": {"content": 1}}})] {
            assert_eq!(super::super::check(super::super::FlowKind::Reply, &definition).len(), 1, "{definition}");
        }
    }
}
