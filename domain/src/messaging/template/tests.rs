use super::*;
use crate::money::Money;
use chrono::NaiveDate;
use proptest::prelude::*;
use rust_decimal::Decimal;

fn asha() -> Variables {
    Variables {
        name: Some("Asha Rao".to_owned()),
        first_name: Some("Asha".to_owned()),
        policy_number: Some("POL123456".to_owned()),
        premium: Some(Money::try_from("123456.5".parse::<Decimal>().unwrap()).unwrap()),
        expiry_date: NaiveDate::from_ymd_opt(2024, 6, 15),
        days_to_expiry: Some(30),
        ..Variables::default()
    }
}

fn rendered(content: &str) -> String {
    Template::compile(content).unwrap().render(&asha()).unwrap()
}

fn syntax_fault(content: &str) -> (usize, String) {
    match Template::compile(content) {
        Err(TemplateError::Syntax { line, detail }) => (line, detail),
        other => panic!("{content}: {other:?}"),
    }
}

#[test]
fn both_ways_of_writing_a_variable_mean_the_same() {
    for content in [
        "Dear {name}, {days_to_expiry} days",
        "Dear {{ name }}, {{days_to_expiry}} days",
        "Dear { name }, {{- ' ' ~ days_to_expiry }} days",
    ] {
        assert_eq!(rendered(content), "Dear Asha Rao, 30 days", "{content}");
    }
}

#[test]
fn braces_that_are_no_variable_stay() {
    for content in ["{", "}", "{}", "a {b c} d", "{1}", "{ }", "{name", "x } y {", "{\nname\n}"] {
        assert_eq!(rendered(content), content);
    }
    assert_eq!(rendered(r"\{name} is {name}"), "{name} is Asha Rao");
    assert_eq!(rendered("{% raw %}{name} {{ name }}{% endraw %}"), "{name} {{ name }}");
    assert_eq!(rendered("{name}}"), "Asha Rao}");
    assert_eq!(rendered("{{ '}}' ~ name }}{# {name} #}"), "}}Asha Rao");
}

#[test]
fn money_and_dates_read_as_people_write_them() {
    assert_eq!(rendered("{premium} by {expiry_date}"), "₹1,23,456.50 by 15 Jun 2024");
    assert_eq!(rendered("{{ expiry_date | date('%d/%m/%Y') }}"), "15/06/2024");
    assert_eq!(rendered("{{ premium | money('USD') }}"), "$123,456.50");
    assert_eq!(rendered("{{ name | upper }} {{ name | lower | title }}"), "ASHA RAO Asha Rao");
    let given = [("amount", "1234567"), ("due", "2024-06-15")].map(|(k, v)| (k.to_owned(), v.to_owned()));
    let template = Template::compile("{{ amount | money }} on {{ due | date }}").unwrap();
    assert_eq!(template.render(&Variables::given(given.into())).unwrap(), "₹12,34,567.00 on 15 Jun 2024");
}

#[test]
fn every_missing_variable_is_named() {
    let template = Template::compile("Dear {name}, {branch} {policy_type} {nonsense} {branch}").unwrap();
    let missing =
        RenderError::MissingVariable { names: vec!["branch".into(), "policy_type".into(), "nonsense".into()] };
    assert_eq!(template.render(&asha()), Err(missing));
    assert_eq!(template.unknown_variables(), ["nonsense"]);
    assert_eq!(template.undeclared_variables(&["name".into(), "branch".into()]), ["policy_type", "nonsense"]);
}

#[test]
fn a_template_may_say_what_to_do_without_a_variable() {
    assert_eq!(rendered("{{ branch | default('our office') }}"), "our office");
    assert_eq!(rendered("{% if branch %}at {branch}{% else %}anywhere{% endif %}"), "anywhere");
    assert_eq!(rendered("{% if days_to_expiry <= 30 %}soon{% elif days_to_expiry > 60 %}late{% endif %}"), "soon");
    let template = Template::compile("{% if branch %}yes{% endif %} {branch}").unwrap();
    assert_eq!(template.render(&asha()), Err(RenderError::MissingVariable { names: vec!["branch".into()] }));
}

#[test]
fn a_fault_names_its_line() {
    assert_eq!(syntax_fault("one\ntwo {{ name ").0, 2);
    assert_eq!(syntax_fault("one\n\n{{ name | }}").0, 3);
    assert_eq!(syntax_fault("{% if name %}x").0, 1);
    assert_eq!(syntax_fault("a\n{{ name | nonsense }}").0, 2);
    assert!(syntax_fault("{{1}}").1.contains("name the variable"));
    assert!(syntax_fault("{{ expiry_date | date('%Q') }}").1.contains("format"));
    assert!(syntax_fault("{{ expiry_date | date('%H:%M') }}").1.contains("format"));
    assert_eq!(Template::compile(" \n").unwrap_err(), TemplateError::Empty);
    assert_eq!(Template::compile(&"x".repeat(Template::CONTENT_LIMIT + 1)).unwrap_err(), TemplateError::TooLong);
}

#[test]
fn what_could_reach_out_or_grow_without_bound_is_refused() {
    for content in [
        "{% include 'x' %}",
        "{% for i in range(9) %}{% endfor %}",
        "{% set a = name %}",
        "{% macro m() %}{% endmacro %}",
        "{{ 'a' * 99999999 }}",
        "{{ range(99) }}",
        "{{ name.upper() }}",
        "{{ [1, 2] }}",
        "{{ {'a': 1} }}",
        "{{ name[0] }}",
        "{{ name | replace('', name) }}",
        "{{ }}",
        "{{{name}}}",
    ] {
        syntax_fault(content);
    }
}

#[test]
fn a_rendering_stops_at_its_limit() {
    let template = Template::compile(&"{{ a }}".repeat(200)).unwrap();
    let values = [("a".to_owned(), "x".repeat(10_000))].into();
    assert_eq!(template.render(&Variables::given(values)), Err(RenderError::TooLong));
}

#[test]
fn the_longest_content_renders() {
    let template = Template::compile(&"{name}".repeat(Template::CONTENT_LIMIT / 6)).unwrap();
    let text = template.render(&Variables::given([("name".to_owned(), "ab".to_owned())].into())).unwrap();
    assert_eq!(text.len(), Template::CONTENT_LIMIT / 6 * 2);
}

#[test]
fn variables_come_in_order_of_first_appearance() {
    let content = "{policy_number} {{ name | upper }} {policy_number} {{ expiry_date | date('name') }} {first_name}";
    assert_eq!(variables_of(content).unwrap(), ["policy_number", "name", "expiry_date", "first_name"]);
}

#[test]
fn parameters_are_the_distinct_expressions_in_order() {
    let template =
        Template::compile("Dear {name}, {policy_number}: {{ premium }} ({name}) {{ premium | money('USD') }}").unwrap();
    let parameters = body_parameters(&template, &asha()).unwrap();
    assert_eq!(parameters, ["Asha Rao", "POL123456", "₹1,23,456.50", "$123,456.50"]);
    assert_eq!(template.parameter_count(), Some(4));
}

#[test]
fn parameters_hold_no_line_breaks_tabs_or_runs_of_spaces() {
    let template = Template::compile("{address}").unwrap();
    let values = [("address".to_owned(), " 1 MG Road\n\tPune      411001\r\n".to_owned())].into();
    assert_eq!(body_parameters(&template, &Variables::given(values)).unwrap(), ["1 MG Road Pune 411001"]);
    let missing = RenderError::MissingVariable { names: vec!["address".to_owned()] };
    assert_eq!(body_parameters(&template, &asha()), Err(missing));
}

#[test]
fn conditions_and_blanks_cannot_be_numbered() {
    let template = Template::compile("{% if name %}{name}{% endif %}").unwrap();
    assert_eq!(body_parameters(&template, &asha()), Err(RenderError::Conditional));
    let template = Template::compile("x {{ branch | default('') }}").unwrap();
    assert_eq!(body_parameters(&template, &asha()), Err(RenderError::Blank));
    assert_eq!(body_parameters(&Template::compile("Hello").unwrap(), &asha()).unwrap(), Vec::<String>::new());
}

#[test]
fn a_compiled_template_is_shared_between_threads() {
    fn shared<T: Send + Sync>(_: &T) {}
    shared(&Template::compile("{name}").unwrap());
}

proptest! {
    #[test]
    fn any_text_compiles_or_is_refused(content in "(?s).{0,200}") {
        if let Ok(template) = Template::compile(&content) {
            let _ = template.render(&asha());
        }
    }

    #[test]
    fn any_arrangement_of_tags_compiles_or_is_refused(
        parts in prop::collection::vec(prop::sample::select(vec![
            "{", "}", "{{", "}}", "{%", "%}", "{#", "#}", "name", " ", "|", "upper", "'", "\"", "\\", "if", "endif",
            "else", "raw", "endraw", "-", "(", ")", "\n", "1", "é", "default", ".", "is", "not",
        ]), 0..24),
    ) {
        if let Ok(template) = Template::compile(&parts.concat()) {
            let _ = template.render(&asha());
            let _ = body_parameters(&template, &asha());
        }
    }

    #[test]
    fn text_without_braces_is_sent_as_it_is(content in "[^{}\\\\]{1,100}") {
        prop_assume!(!content.trim().is_empty());
        prop_assert_eq!(rendered(&content), content);
    }

    #[test]
    fn a_value_is_never_read_as_a_template(value in "[^\\s][^\\x00]{0,30}[^\\s]") {
        let template = Template::compile("{name}").unwrap();
        let text = template.render(&Variables::given([("name".to_owned(), value.clone())].into()));
        prop_assert_eq!(text, Ok(value.trim().to_owned()));
    }
}

#[test]
fn a_page_escapes_its_values_and_a_text_does_not() {
    let mut variables = Variables::sample();
    variables.given.insert("name".to_owned(), "<b>A & B</b>".to_owned());
    let page = Template::compile_html("<p>{name}</p>").unwrap();
    assert_eq!(page.render(&variables).unwrap(), "<p>&lt;b&gt;A &amp; B&lt;&#x2f;b&gt;</p>");
    assert_eq!(Template::compile("{name}").unwrap().render(&variables).unwrap(), "<b>A & B</b>");
}
