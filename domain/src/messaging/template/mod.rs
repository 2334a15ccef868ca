//! What a message says: text with variables, checked once when written and rendered once per recipient.
//!
//! Both ways of writing a variable mean the same: `{name}` and `{{ name }}`. A literal brace pair is written `\{name}`.
//! Besides variables a template may use `{% if %}`/`{% elif %}`/`{% else %}`, comparisons, and the filters `date`,
//! `money`, `upper`, `lower`, `title`, `trim` and `default`. There are no loops, assignments, includes or calls, so the
//! work and the size of a rendering are bounded by the template's own length.
//!
//! Compiling fails on a syntax fault, with its line. Rendering fails when a variable has no value: a recipient is left
//! out rather than sent a half-empty message.

mod body;
mod filters;
mod limit;
mod policies;
mod present;
mod scan;
mod variables;

pub use body::body_parameters;
pub use policies::{PolicyLine, SHORT_LIMIT};
pub use present::{date_text, money_text};
pub use variables::{KNOWN, Variable, Variables};

use limit::BoundedText;
use minijinja::syntax::SyntaxConfig;
use minijinja::{AutoEscape, Environment, Error, ErrorKind, UndefinedBehavior, Value};
use policies::Form;
use std::collections::BTreeSet;

/// The name of the whole text among an environment's templates; body parameters are named by their number.
const WHOLE: &str = "message";

/// A template could not be compiled.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TemplateError {
    /// Nothing to send.
    #[error("the content is empty")]
    Empty,
    /// Longer than [`Template::CONTENT_LIMIT`].
    #[error("the content is longer than {} bytes", Template::CONTENT_LIMIT)]
    TooLong,
    /// Not a template this platform accepts.
    #[error("line {line}: {detail}")]
    Syntax {
        /// From 1.
        line: usize,
        /// What is wrong and what would be right.
        detail: String,
    },
}

/// A template could not be rendered for one recipient.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RenderError {
    /// These variables have no value, or a blank one, for the recipient; in order of first appearance.
    #[error("no value for {}", names.join(", "))]
    MissingVariable {
        /// Every missing variable, not only the first.
        names: Vec<String>,
    },
    /// The text came out longer than [`Template::OUTPUT_LIMIT`].
    #[error("the text comes out longer than {} bytes", Template::OUTPUT_LIMIT)]
    TooLong,
    /// The text, or a parameter of it, came out blank.
    #[error("the text comes out blank")]
    Blank,
    /// The template has conditions, which a provider's numbered parameters cannot express.
    #[error("a template with conditions has no numbered parameters")]
    Conditional,
    /// A filter or comparison does not fit the value it was given.
    #[error("line {line}: {detail}")]
    Failed {
        /// From 1; 0 when unknown.
        line: usize,
        /// What is wrong.
        detail: String,
    },
}

/// A compiled template: costly to make, cheap to render, shared between threads.
#[derive(Debug)]
pub struct Template {
    environment: Environment<'static>,
    used: Vec<String>,
    optional: BTreeSet<String>,
    parameters: Option<usize>,
    form: Form,
}

impl Template {
    /// The longest content, in bytes.
    pub const CONTENT_LIMIT: usize = 256 * 1024;
    /// The longest rendered text, in bytes.
    pub const OUTPUT_LIMIT: usize = 1024 * 1024;
    /// The most instructions one rendering may take; a template of the longest content stays well under it.
    const FUEL: u64 = 1_000_000;

    /// Checks the content and makes it ready to render.
    pub fn compile(content: &str) -> Result<Self, TemplateError> {
        Self::compiled(content, Form::Text)
    }

    /// The same for a text of one line, such as a text message or a parameter: lists are short in it.
    pub fn compile_short(content: &str) -> Result<Self, TemplateError> {
        Self::compiled(content, Form::Short)
    }

    /// The same for a page: values are escaped, so that none of them is read as markup.
    pub fn compile_html(content: &str) -> Result<Self, TemplateError> {
        Self::compiled(content, Form::Page)
    }

    fn compiled(content: &str, form: Form) -> Result<Self, TemplateError> {
        if content.trim().is_empty() {
            return Err(TemplateError::Empty);
        }
        if content.len() > Self::CONTENT_LIMIT {
            return Err(TemplateError::TooLong);
        }
        let scanned = scan::scan(content)?;
        let mut environment = Environment::empty();
        environment.set_undefined_behavior(UndefinedBehavior::SemiStrict);
        environment.set_fuel(Some(Self::FUEL));
        let is_page = form == Form::Page;
        environment.set_auto_escape_callback(move |_| if is_page { AutoEscape::Html } else { AutoEscape::None });
        let keep_lines = SyntaxConfig::builder().keep_trailing_newline(true).build().map_err(|error| syntax(&error))?;
        environment.set_syntax(keep_lines);
        filters::install(&mut environment);
        environment.add_template_owned(WHOLE, scanned.source).map_err(|error| syntax(&error))?;
        let parameters = if scanned.conditional { None } else { Some(scanned.outputs.len()) };
        for (number, output) in scanned.outputs.iter().enumerate().filter(|_| parameters.is_some()) {
            let source = format!("{{{{ {output} }}}}");
            environment.add_template_owned(number.to_string(), source).map_err(|error| syntax(&error))?;
        }
        let looked_up = environment.get_template(WHOLE).map_err(|error| syntax(&error))?.undeclared_variables(false);
        let names = scanned.names.into_iter().filter(|name| looked_up.contains(&name.text));
        let (mut used, mut optional) = (Vec::new(), BTreeSet::new());
        for name in names {
            if name.optional {
                optional.insert(name.text.clone());
            }
            used.push(name.text);
        }
        let template = Self { environment, used, optional, parameters, form };
        template.try_out()?;
        Ok(template)
    }

    /// The variables the text uses, in order of first appearance.
    pub fn variables(&self) -> &[String] {
        &self.used
    }

    /// Of those, the ones that no policy or customer offers; a campaign with any of them has no recipients.
    pub fn unknown_variables(&self) -> Vec<String> {
        self.used.iter().filter(|name| !variables::is_known(name)).cloned().collect()
    }

    /// The variables the text uses and `declared` does not list.
    pub fn undeclared_variables(&self, declared: &[String]) -> Vec<String> {
        self.used.iter().filter(|name| !declared.contains(name)).cloned().collect()
    }

    /// How many numbered parameters a provider's copy of the template takes; `None` with conditions in the text.
    pub fn parameter_count(&self) -> Option<usize> {
        self.parameters
    }

    /// The text for one recipient.
    pub fn render(&self, variables: &Variables) -> Result<String, RenderError> {
        let context = self.context(variables)?;
        let text = self.render_part(WHOLE, &context, variables)?;
        if text.trim().is_empty() { Err(RenderError::Blank) } else { Ok(text) }
    }

    /// The values the text uses, when none that it needs is missing.
    fn context(&self, variables: &Variables) -> Result<Value, RenderError> {
        let mut missing = Vec::new();
        let mut values = Vec::with_capacity(self.used.len());
        for name in &self.used {
            match variables.get(name) {
                Some(value) => values.push((name.as_str(), filters::value_of(value, self.form))),
                None if self.optional.contains(name) => {}
                None => missing.push(name.clone()),
            }
        }
        if missing.is_empty() {
            Ok(Value::from_pairs(values))
        } else {
            Err(RenderError::MissingVariable { names: missing })
        }
    }

    fn render_part(&self, part: &str, context: &Value, variables: &Variables) -> Result<String, RenderError> {
        let failed = |error: Error| self.failed(&error, variables);
        let mut text = BoundedText::new(Self::OUTPUT_LIMIT);
        let rendered = self.environment.get_template(part).and_then(|template| {
            template.render_captured_to(context.clone(), &mut text)?;
            Ok(())
        });
        if text.overflowed() {
            return Err(RenderError::TooLong);
        }
        rendered.map_err(failed)?;
        Ok(text.into_string())
    }

    fn failed(&self, error: &Error, variables: &Variables) -> RenderError {
        match error.kind() {
            // an optional variable used where it is needed after all
            ErrorKind::UndefinedError => {
                let absent = |name: &&String| variables.get(name).is_none();
                let names: Vec<String> = self.used.iter().filter(absent).cloned().collect();
                if names.is_empty() { fault(error) } else { RenderError::MissingVariable { names } }
            }
            _ => fault(error),
        }
    }

    /// Wrong arguments to a filter show only when rendering: render once with a value for everything, to see them now.
    fn try_out(&self) -> Result<(), TemplateError> {
        if !self.unknown_variables().is_empty() {
            return Ok(());
        }
        match self.render(&Variables::sample()) {
            Err(RenderError::Failed { line, detail }) => Err(TemplateError::Syntax { line: line.max(1), detail }),
            Err(RenderError::TooLong) => Err(TemplateError::TooLong),
            Ok(_) | Err(RenderError::MissingVariable { .. } | RenderError::Blank | RenderError::Conditional) => Ok(()),
        }
    }
}

/// The variables a content uses, in order of first appearance.
pub fn variables_of(content: &str) -> Result<Vec<String>, TemplateError> {
    Template::compile(content).map(|template| template.used)
}

fn detail_of(error: &Error) -> String {
    error.detail().map_or_else(|| error.kind().to_string(), |detail| format!("{}: {detail}", error.kind()))
}

fn syntax(error: &Error) -> TemplateError {
    TemplateError::Syntax { line: error.line().unwrap_or(1), detail: detail_of(error) }
}

fn fault(error: &Error) -> RenderError {
    RenderError::Failed { line: error.line().unwrap_or(0), detail: detail_of(error) }
}

#[cfg(test)]
mod tests;
