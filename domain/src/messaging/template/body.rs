//! Numbered parameters: how the WhatsApp Cloud API takes a template's values.
//!
//! The vendor keeps the approved text; a message carries only the values, in order. Each distinct expression of our
//! text is one parameter, in order of first appearance, so the approved copy must be numbered the same way.

use super::{RenderError, Template, Variables};

/// The longest value of one parameter, in characters (vendor's API description, `TextParameter`).
const PARAMETER_LIMIT: usize = 32_768;

/// The values of the template's body parameters for one recipient.
///
/// The vendor refuses line breaks, tabs and more than four spaces in a row inside a value: every run of white space
/// becomes one space. It refuses an empty value too, which is [`RenderError::Blank`].
pub fn body_parameters(template: &Template, variables: &Variables) -> Result<Vec<String>, RenderError> {
    let count = template.parameters.ok_or(RenderError::Conditional)?;
    let context = template.context(variables)?;
    let mut parameters = Vec::with_capacity(count);
    for number in 0..count {
        let value = template.render_part(&number.to_string(), &context, variables)?;
        let value = value.split_whitespace().collect::<Vec<_>>().join(" ");
        if value.is_empty() {
            return Err(RenderError::Blank);
        }
        if value.chars().count() > PARAMETER_LIMIT {
            return Err(RenderError::TooLong);
        }
        parameters.push(value);
    }
    Ok(parameters)
}
