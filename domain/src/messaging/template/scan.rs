//! Reads a content once: turns `{name}` into an expression, and refuses what templates may not do.
//!
//! Everything outside tags is text. Inside a tag only names, texts, numbers, comparisons, filters and joining are
//! allowed; the engine checks how they are put together.

use super::TemplateError;

/// The filters a template may use; [`super::filters`] defines them.
const FILTERS: [&str; 7] = ["date", "money", "upper", "lower", "title", "trim", "default"];

/// The most different expressions, and the most different names, of one content.
const DISTINCT_LIMIT: usize = 500;

/// What a content turned out to be.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Scanned {
    /// The content as the engine reads it; lines stay where they were.
    pub source: String,
    /// The distinct expressions whose values the text shows, in order of first appearance.
    pub outputs: Vec<String>,
    /// The distinct names inside tags, in order of first appearance.
    pub names: Vec<Name>,
    /// Whether the text depends on conditions.
    pub conditional: bool,
}

/// A name inside a tag.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Name {
    pub text: String,
    /// Whether the template says what to do without it: a condition asks for it, or `default` follows.
    pub optional: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Token<'a> {
    Name(&'a str),
    Text,
    Number(&'a str),
    Sign(char),
}

/// Turns a content into what the engine reads, with what it uses.
pub(super) fn scan(content: &str) -> Result<Scanned, TemplateError> {
    let mut scanned = Scanned { source: String::with_capacity(content.len() + 16), ..Scanned::default() };
    let mut rest = content;
    let mut line = 1;
    while let Some(brace) = rest.find('{') {
        let (text, tag) = rest.split_at(brace);
        line += lines(text);
        scanned.source.push_str(text);
        let length = match tag.as_bytes().get(1) {
            Some(b'{') => scanned.output_tag(tag, line)?,
            Some(b'%') => scanned.block_tag(tag, line)?,
            Some(b'#') => {
                let end = tag.find("#}").ok_or_else(|| fault(line, "a comment is not closed: write {# … #}"))? + 2;
                scanned.source.push_str(&tag[..end]);
                end
            }
            _ => scanned.single_brace(tag, line)?,
        };
        line += lines(&tag[..length]);
        rest = &tag[length..];
    }
    scanned.source.push_str(rest);
    Ok(scanned)
}

impl Scanned {
    /// `{{ expression }}`; answers how many bytes it took.
    fn output_tag(&mut self, tag: &str, line: usize) -> Result<usize, TemplateError> {
        let (inner, length) = inside(tag, "}}", line)?;
        let tokens = tokens(inner, line)?;
        if let [Token::Number(number)] = tokens.as_slice() {
            return Err(fault(line, &format!("{{{{{number}}}}} is a number: name the variable, as in {{{{ name }}}}")));
        }
        if tokens.is_empty() {
            return Err(fault(line, "an empty {{ }}: name a variable, as in {{ name }}"));
        }
        self.note_names(&tokens, false, line)?;
        self.note_output(inner, line)?;
        self.source.push_str(&tag[..length]);
        Ok(length)
    }

    /// `{% if … %}` and its kin, and `{% raw %} … {% endraw %}`.
    fn block_tag(&mut self, tag: &str, line: usize) -> Result<usize, TemplateError> {
        let (inner, length) = inside(tag, "%}", line)?;
        let word = inner.split_whitespace().next().unwrap_or_default();
        match word {
            "if" | "elif" => {
                self.conditional = true;
                let tokens = tokens(&inner[word.len()..], line)?;
                self.note_names(&tokens, true, line)?;
            }
            "else" | "endif" => {}
            "raw" => {
                let end = end_of_raw(tag).ok_or_else(|| fault(line, "{% raw %} is not closed by {% endraw %}"))?;
                self.source.push_str(&tag[..end]);
                return Ok(end);
            }
            other => {
                return Err(fault(
                    line,
                    &format!("{{% {other} %}} is not available: only if, elif, else, endif and raw"),
                ));
            }
        }
        self.source.push_str(&tag[..length]);
        Ok(length)
    }

    /// `{name}`, or a brace that is only text. A backslash before `{name}` is dropped and the rest kept as it is.
    fn single_brace(&mut self, tag: &str, line: usize) -> Result<usize, TemplateError> {
        let Some((name, length)) = braced_name(tag) else {
            self.source.push('{');
            return Ok(1);
        };
        if self.source.ends_with('\\') {
            self.source.pop();
            self.source.push_str(&tag[..length]);
            return Ok(length);
        }
        self.source.push_str("{{ ");
        self.source.push_str(name);
        self.source.push_str(" }}");
        self.note_name(name, false, line)?;
        self.note_output(name, line)?;
        Ok(length)
    }

    fn note_output(&mut self, inner: &str, line: usize) -> Result<(), TemplateError> {
        if !self.outputs.iter().any(|known| known == inner) {
            if self.outputs.len() == DISTINCT_LIMIT {
                return Err(fault(line, "too many different expressions"));
            }
            self.outputs.push(inner.to_owned());
        }
        Ok(())
    }

    fn note_name(&mut self, text: &str, optional: bool, line: usize) -> Result<(), TemplateError> {
        let full = self.names.len() == DISTINCT_LIMIT;
        match self.names.iter_mut().find(|name| name.text == text) {
            Some(name) => name.optional |= optional,
            None if full => return Err(fault(line, "too many different variables")),
            None => self.names.push(Name { text: text.to_owned(), optional }),
        }
        Ok(())
    }

    fn note_names(&mut self, tokens: &[Token<'_>], condition: bool, line: usize) -> Result<(), TemplateError> {
        for (at, token) in tokens.iter().enumerate() {
            let before = at.checked_sub(1).and_then(|before| tokens.get(before));
            match token {
                Token::Name(filter) if before == Some(&Token::Sign('|')) => {
                    if !FILTERS.contains(filter) {
                        let known = FILTERS.join(", ");
                        return Err(fault(line, &format!("no filter {filter}: there are {known}")));
                    }
                }
                Token::Name(name) => {
                    if tokens.get(at + 1) == Some(&Token::Sign('(')) && !is_word(name) {
                        return Err(fault(line, &format!("{name}(…) is not available: templates call nothing")));
                    }
                    let guarded =
                        matches!(tokens.get(at + 1..at + 3), Some([Token::Sign('|'), Token::Name("default")]));
                    self.note_name(name, condition || guarded, line)?;
                }
                Token::Text | Token::Number(_) | Token::Sign(_) => {}
            }
        }
        Ok(())
    }
}

/// Words of the expression language that may stand before a parenthesis.
fn is_word(name: &str) -> bool {
    matches!(name, "and" | "or" | "not" | "if" | "else" | "in" | "is")
}

fn fault(line: usize, detail: &str) -> TemplateError {
    TemplateError::Syntax { line, detail: detail.to_owned() }
}

fn lines(text: &str) -> usize {
    text.bytes().filter(|byte| *byte == b'\n').count()
}

/// What stands between a tag's signs, without whitespace control, and the tag's whole length.
fn inside<'a>(tag: &'a str, close: &str, line: usize) -> Result<(&'a str, usize), TemplateError> {
    let mut quote = None;
    let mut escaped = false;
    for (at, sign) in tag.char_indices().skip(2) {
        match quote {
            Some(_) if escaped => escaped = false,
            Some(_) if sign == '\\' => escaped = true,
            Some(open) if sign == open => quote = None,
            Some(_) => {}
            None if sign == '"' || sign == '\'' => quote = Some(sign),
            None if tag[at..].starts_with(close) => {
                let inner = tag[2..at].trim_start_matches(['-', '+']);
                let inner = inner.strip_suffix(['-', '+']).unwrap_or(inner);
                return Ok((inner.trim(), at + close.len()));
            }
            None => {}
        }
    }
    Err(fault(line, &format!("a {} is not closed by {close}", &tag[..2])))
}

fn tokens(mut rest: &str, line: usize) -> Result<Vec<Token<'_>>, TemplateError> {
    let mut found = Vec::new();
    while let Some(sign) = rest.chars().next() {
        let length = match sign {
            '"' | '\'' => {
                found.push(Token::Text);
                text_length(rest).ok_or_else(|| fault(line, "a text is not closed by its quote"))?
            }
            'a'..='z' | 'A'..='Z' | '_' => {
                let length = run(rest, |c| c.is_ascii_alphanumeric() || c == '_');
                found.push(Token::Name(&rest[..length]));
                length
            }
            '0'..='9' => {
                let length = run(rest, |c| c.is_ascii_digit() || c == '.');
                found.push(Token::Number(&rest[..length]));
                length
            }
            '|' | '(' | ')' | ',' | '=' | '!' | '<' | '>' | '+' | '-' | '/' | '~' => {
                found.push(Token::Sign(sign));
                1
            }
            sign if sign.is_whitespace() => sign.len_utf8(),
            other => return Err(fault(line, &format!("{other} is not allowed inside a tag"))),
        };
        rest = &rest[length..];
    }
    Ok(found)
}

fn run(text: &str, belongs: impl Fn(char) -> bool) -> usize {
    text.find(|c| !belongs(c)).unwrap_or(text.len())
}

/// The length of a quoted text with its quotes.
fn text_length(text: &str) -> Option<usize> {
    let quote = text.chars().next()?;
    let mut escaped = false;
    for (at, sign) in text.char_indices().skip(1) {
        match sign {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            sign if sign == quote => return Some(at + 1),
            _ => {}
        }
    }
    None
}

/// `{name}` or `{ name }` on one line: the name and the whole length.
fn braced_name(tag: &str) -> Option<(&str, usize)> {
    let close = tag.find('}')?;
    let name = tag[1..close].trim_matches(' ');
    let starts = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
    let simple = starts && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
    simple.then_some((name, close + 1))
}

/// Where `{% raw %} … {% endraw %}` ends.
fn end_of_raw(tag: &str) -> Option<usize> {
    let mut from = 2;
    while let Some(at) = tag[from..].find("{%") {
        let start = from + at;
        let end = start + tag[start..].find("%}")? + 2;
        let word = tag[start + 2..end - 2].trim_matches(['-', '+']).trim();
        if word == "endraw" {
            return Some(end);
        }
        from = start + 2;
    }
    None
}
