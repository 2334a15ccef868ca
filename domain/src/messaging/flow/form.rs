//! Forms: the vendor's Flow JSON, checked as far as its shape goes. The vendor checks the rest when it is published.

use super::{
    FlowFault,
    graph::{Routes, leading_to, reached},
};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// The most screens.
const SCREEN_LIMIT: usize = 50;
/// The most components of a screen, those within others included.
const COMPONENT_LIMIT: usize = 50;
/// So deep may components lie in each other.
const DEPTH_LIMIT: usize = 8;
/// The longest definition, in bytes; the vendor's limit is 10 MB.
const SIZE_LIMIT: usize = 1 << 20;

/// What a screen may be made of.
const COMPONENTS: [&str; 24] = [
    "CalendarPicker",
    "CheckboxGroup",
    "ChipsSelector",
    "DatePicker",
    "DocumentPicker",
    "Dropdown",
    "EmbeddedLink",
    "Footer",
    "Form",
    "If",
    "Image",
    "ImageCarousel",
    "NavigationList",
    "OptIn",
    "PhotoPicker",
    "RadioButtonsGroup",
    "RichText",
    "Switch",
    "TextArea",
    "TextBody",
    "TextCaption",
    "TextHeading",
    "TextInput",
    "TextSubheading",
];

/// Everything that is wrong with a form.
pub fn check_form(definition: &Value) -> Vec<FlowFault> {
    let mut form = Form::default();
    if definition.to_string().len() > SIZE_LIMIT {
        return vec![FlowFault::new("", format!("is longer than {SIZE_LIMIT} bytes"))];
    }
    if !definition["version"].as_str().is_some_and(is_version) {
        form.fault("version", "expected a version such as \"7.0\"");
    }
    let Some(screens) = definition["screens"].as_array().filter(|screens| !screens.is_empty()) else {
        form.fault("screens", "expected at least one screen");
        return form.faults;
    };
    if screens.len() > SCREEN_LIMIT {
        form.fault("screens", format!("has more than {SCREEN_LIMIT}"));
        return form.faults;
    }
    for (at, screen) in screens.iter().enumerate() {
        form.screen(&format!("screens[{at}]"), screen);
    }
    form.check_targets();
    form.check_routing(&definition["routing_model"]);
    if form.ends.is_empty() {
        form.fault("screens", "none is terminal: the form never ends");
    } else if form.faults.is_empty() {
        form.check_ways(screens.first().and_then(|screen| screen["id"].as_str()).unwrap_or_default());
    }
    form.faults
}

fn is_version(text: &str) -> bool {
    let digits = |part: &str| (1..=3).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_digit());
    text.split_once('.').is_some_and(|(a, b)| digits(a) && digits(b))
}

#[derive(Default)]
struct Form<'a> {
    faults: Vec<FlowFault>,
    /// Where each screen is.
    screens: BTreeMap<&'a str, String>,
    routes: Routes<'a>,
    ends: BTreeSet<&'a str>,
    /// Where a screen is named that must be there.
    targets: Vec<(String, &'a str)>,
}

impl<'a> Form<'a> {
    fn fault(&mut self, path: impl Into<String>, problem: impl Into<String>) {
        self.faults.push(FlowFault::new(path, problem));
    }

    fn screen(&mut self, path: &str, screen: &'a Value) {
        let id = screen["id"].as_str().unwrap_or_default();
        let named = |c: char| c.is_ascii_uppercase() || c == '_';
        if id.is_empty() || id.len() > 80 || !id.chars().all(named) || id == "SUCCESS" {
            self.fault(format!("{path}.id"), "expected capital letters and underscores, and not SUCCESS");
            return;
        }
        if self.screens.insert(id, path.to_owned()).is_some() {
            self.fault(format!("{path}.id"), format!("there is a screen {id} already"));
        }
        self.routes.entry(id).or_default();
        let terminal = screen["terminal"] == Value::Bool(true);
        if terminal {
            self.ends.insert(id);
        }
        let layout = &screen["layout"];
        if layout["type"] != "SingleColumnLayout" {
            self.fault(format!("{path}.layout.type"), "expected SingleColumnLayout");
        }
        let mut on = On { screen: id, terminal, components: 0, footers: 0 };
        let children = layout["children"].as_array().map_or(&[][..], Vec::as_slice);
        if children.is_empty() {
            self.fault(format!("{path}.layout.children"), "expected at least one component");
        }
        self.components(&format!("{path}.layout.children"), children, &mut on, 0);
        if on.components > COMPONENT_LIMIT {
            self.fault(format!("{path}.layout.children"), format!("has more than {COMPONENT_LIMIT} components"));
        }
        if terminal && on.footers == 0 {
            self.fault(path, "a terminal screen needs a Footer");
        }
    }

    fn components(&mut self, path: &str, children: &'a [Value], on: &mut On<'a>, depth: usize) {
        if depth > DEPTH_LIMIT {
            self.fault(path, format!("lies deeper than {DEPTH_LIMIT}"));
            return;
        }
        for (at, child) in children.iter().enumerate() {
            let path = format!("{path}[{at}]");
            on.components += 1;
            let kind = child["type"].as_str().unwrap_or_default();
            if !COMPONENTS.contains(&kind) {
                self.fault(format!("{path}.type"), format!("there is no component {kind:?}"));
                continue;
            }
            on.footers += usize::from(kind == "Footer");
            for name in ["on-click-action", "on-select-action", "on-unselect-action"] {
                if let Some(action) = child.get(name) {
                    self.action(&format!("{path}.{name}"), action, on);
                }
            }
            if kind == "Footer" && child.get("on-click-action").is_none() {
                self.fault(format!("{path}.on-click-action"), "a Footer needs one");
            }
            for name in ["children", "then", "else"] {
                let inner = child[name].as_array().map_or(&[][..], Vec::as_slice);
                self.components(&format!("{path}.{name}"), inner, on, depth + 1);
            }
            for (case, inner) in child["cases"].as_object().into_iter().flatten() {
                let inner = inner.as_array().map_or(&[][..], Vec::as_slice);
                self.components(&format!("{path}.cases.{case}"), inner, on, depth + 1);
            }
        }
    }

    fn action(&mut self, path: &str, action: &'a Value, on: &On<'a>) {
        match action["name"].as_str().unwrap_or_default() {
            "navigate" => match action["next"]["name"].as_str() {
                Some(target) => {
                    self.targets.push((format!("{path}.next.name"), target));
                    self.routes.entry(on.screen).or_default().insert(target);
                }
                None => self.fault(format!("{path}.next.name"), "expected the screen to go to"),
            },
            "complete" if !on.terminal => self.fault(path, "only a terminal screen completes"),
            "complete" | "data_exchange" | "update_data" | "open_url" => {}
            other => self.fault(format!("{path}.name"), format!("there is no action {other:?}")),
        }
    }

    fn check_targets(&mut self) {
        for (path, target) in std::mem::take(&mut self.targets) {
            if !self.screens.contains_key(target) {
                self.fault(path, format!("there is no screen {target}"));
            }
        }
    }

    fn check_routing(&mut self, model: &'a Value) {
        for (from, targets) in model.as_object().into_iter().flatten() {
            let path = format!("routing_model.{from}");
            if !self.screens.contains_key(from.as_str()) {
                self.fault(&path, format!("there is no screen {from}"));
                continue;
            }
            for (at, target) in targets.as_array().into_iter().flatten().enumerate() {
                match target.as_str() {
                    Some(target) if target == from => self.fault(format!("{path}[{at}]"), "leads to itself"),
                    Some(target) if self.screens.contains_key(target) => {
                        self.routes.entry(from).or_default().insert(target);
                    }
                    _ => self.fault(format!("{path}[{at}]"), format!("there is no screen {target}")),
                }
            }
        }
    }

    fn check_ways(&mut self, first: &'a str) {
        let known = reached(&self.routes, [first]);
        let ending = leading_to(&self.routes, self.ends.iter().copied());
        for (screen, path) in self.screens.clone() {
            if !known.contains(screen) {
                self.fault(&path, format!("{screen} is never reached"));
            } else if !ending.contains(screen) {
                self.fault(&path, format!("from {screen} no terminal screen is reached"));
            }
        }
    }
}

/// The screen that is being looked at.
struct On<'a> {
    screen: &'a str,
    terminal: bool,
    components: usize,
    footers: usize,
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn form() -> Value {
        json!({"version": "7.0", "screens": [
            {"id": "DETAILS", "title": "Details", "layout": {"type": "SingleColumnLayout", "children": [
                {"type": "Form", "name": "f", "children": [
                    {"type": "TextInput", "name": "mileage", "label": "Mileage"},
                    {"type": "Footer", "label": "Next", "on-click-action":
                        {"name": "navigate", "next": {"type": "screen", "name": "CONFIRM"}, "payload": {}}},
                ]},
            ]}},
            {"id": "CONFIRM", "title": "Confirm", "terminal": true, "layout": {"type": "SingleColumnLayout", "children": [
                {"type": "TextBody", "text": "All right?"},
                {"type": "Footer", "label": "Done", "on-click-action": {"name": "complete", "payload": {}}},
            ]}},
        ]})
    }

    fn faults(form: &Value) -> Vec<String> {
        check_form(form).into_iter().map(|fault| format!("{}: {}", fault.path, fault.problem)).collect()
    }

    fn changed(change: impl FnOnce(&mut Value)) -> Vec<String> {
        let mut form = form();
        change(&mut form);
        faults(&form)
    }

    #[test]
    fn a_form_that_holds_together_passes() {
        assert_eq!(faults(&form()), [] as [String; 0]);
    }

    #[test]
    fn what_is_wrong_is_named_by_path() {
        assert_eq!(changed(|form| form["version"] = json!(7)), ["version: expected a version such as \"7.0\""]);
        assert_eq!(changed(|form| form["screens"] = json!([])), ["screens: expected at least one screen"]);
        assert_eq!(
            changed(|form| form["screens"][0]["layout"]["children"][0]["children"][0]["type"] = json!("Slider")),
            ["screens[0].layout.children[0].children[0].type: there is no component \"Slider\""]
        );
        let action = |form: &mut Value, name: Value| {
            form["screens"][0]["layout"]["children"][0]["children"][1]["on-click-action"]["next"]["name"] = name;
        };
        assert_eq!(
            changed(|form| action(form, json!("NOWHERE"))),
            ["screens[0].layout.children[0].children[1].on-click-action.next.name: there is no screen NOWHERE"]
        );
        assert_eq!(
            changed(|form| action(form, json!("DETAILS"))),
            ["screens[1]: CONFIRM is never reached", "screens[0]: from DETAILS no terminal screen is reached"]
        );
        assert_eq!(
            changed(|form| form["screens"][1]["id"] = json!("DETAILS")).first().map(String::as_str),
            Some("screens[1].id: there is a screen DETAILS already")
        );
        assert_eq!(
            changed(|form| form["screens"][1]["terminal"] = json!(false)),
            [
                "screens[1].layout.children[1].on-click-action: only a terminal screen completes",
                "screens: none is terminal: the form never ends"
            ]
        );
        assert_eq!(
            changed(|form| form["routing_model"] = json!({"DETAILS": ["DETAILS", "ELSEWHERE"]})),
            ["routing_model.DETAILS[0]: leads to itself", "routing_model.DETAILS[1]: there is no screen \"ELSEWHERE\""]
        );
    }

    #[test]
    fn depth_ends() {
        let mut inner = json!({"type": "TextBody", "text": "x"});
        for _ in 0..30 {
            inner = json!({"type": "If", "condition": "true", "then": [inner]});
        }
        let found = changed(|form| form["screens"][1]["layout"]["children"][0] = inner);
        assert!(found[0].ends_with("lies deeper than 8"), "{found:?}");
    }
}
