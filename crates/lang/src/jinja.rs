//! Jinja templates and conditions of workflows and notifications, run by minijinja within limits.
//!
//! Not HTML: nothing is escaped here; whoever shows the text encodes it. Files, includes and imports do not exist.

use std::io::{self, Write};

use minijinja::{AutoEscape, Environment, UndefinedBehavior};
use serde_json::Value;

/// The longest template or expression, in bytes.
pub const MAX_TEMPLATE: usize = 64 * 1024;
/// The longest rendered text, in bytes.
pub const MAX_OUTPUT: usize = 256 * 1024;
/// The largest value that an expression gives, roughly in bytes.
const MAX_VALUE: usize = 8 << 20;
/// How many instructions one rendering may run.
const FUEL: u64 = 100_000;

/// Why a template gave no text.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum JinjaError {
    /// It is too long.
    #[error("the template is {0} bytes long; the limit is {MAX_TEMPLATE}")]
    TooLong(usize),
    /// It does not parse, names something undefined, or ran out of fuel.
    #[error("the template `{template}` failed: {reason}")]
    Failed {
        /// The template, cut to 120 characters.
        template: String,
        /// What is wrong.
        reason: String,
    },
    /// The text grew over its limit.
    #[error("the text that `{template}` gives is over its limit of {MAX_OUTPUT} bytes")]
    Output {
        /// The template, cut to 120 characters.
        template: String,
    },
}

/// Renders a template over `context`. Names that are not in it are errors; write `x | default('…')` for optional ones.
pub fn render(template: &str, context: &Value) -> Result<String, JinjaError> {
    check_length(template)?;
    // Most values of workflows are plain texts.
    if !template.contains("{{") && !template.contains("{%") && !template.contains("{#") {
        return Ok(template.to_owned());
    }
    let environment = environment();
    let compiled = environment.template_from_str(template).map_err(|e| failed(template, &e))?;
    let mut out = Capped { bytes: Vec::new(), full: false };
    match compiled.render_captured_to(data(context), &mut out) {
        Ok(_) => {}
        Err(_) if out.full => return Err(JinjaError::Output { template: shown(template) }),
        Err(e) => return Err(failed(template, &e)),
    }
    Ok(String::from_utf8_lossy(&out.bytes).into_owned())
}

/// Evaluates an expression (`labels.service == "payments"`) to its truth.
pub fn eval_bool(expression: &str, context: &Value) -> Result<bool, JinjaError> {
    check_length(expression)?;
    let environment = environment();
    let compiled = environment.compile_expression(expression).map_err(|e| failed(expression, &e))?;
    compiled.eval(data(context)).map(|value| value.is_true()).map_err(|e| failed(expression, &e))
}

/// What expressions over another tool's body may name: the keys of the item that is looked at, `item` and `body`. The body
/// is converted once, however many items it has.
#[derive(Debug, Clone)]
pub struct Names {
    body: minijinja::Value,
    scope: minijinja::Value,
}

impl Names {
    /// The body as its own item.
    #[must_use]
    pub fn new(body: &Value) -> Self {
        let body = data(body);
        Self { scope: Self::scope(&body, &body), body }
    }

    /// One item of it.
    #[must_use]
    pub fn of(&self, item: &Value) -> Self {
        Self { body: self.body.clone(), scope: Self::scope(&self.body, &data(item)) }
    }

    fn scope(body: &minijinja::Value, item: &minijinja::Value) -> minijinja::Value {
        let keys = item.try_iter().into_iter().flatten();
        let own = keys.filter_map(|key| Some((key.as_str()?.to_owned(), item.get_item(&key).ok()?)));
        let given = [("item", item), ("body", body)].map(|(name, value)| (name.to_owned(), value.clone()));
        minijinja::Value::from_pairs(own.chain(given))
    }
}

/// Evaluates an expression (`alert.labels.service or 'unknown'`) to its value. A name that does not exist, and what is in
/// it, is null.
pub fn eval(expression: &str, names: &Names) -> Result<Value, JinjaError> {
    check_length(expression)?;
    let mut environment = environment();
    environment.set_undefined_behavior(UndefinedBehavior::Chainable);
    let compiled = environment.compile_expression(expression).map_err(|e| failed(expression, &e))?;
    let value = compiled.eval(names.scope.clone()).map_err(|e| failed(expression, &e))?;
    json(&value, &mut 0).ok_or_else(|| JinjaError::Output { template: shown(expression) })
}

/// The value as JSON; none when it is too large.
fn json(value: &minijinja::Value, size: &mut usize) -> Option<Value> {
    use minijinja::value::ValueKind;
    *size += 1 + value.as_str().map_or(0, str::len);
    if *size > MAX_VALUE {
        return None;
    }
    Some(match value.kind() {
        ValueKind::Bool => Value::Bool(value.is_true()),
        ValueKind::Number => match i64::try_from(value.clone()) {
            Ok(whole) => Value::from(whole),
            Err(_) => f64::try_from(value.clone()).map_or(Value::Null, Value::from),
        },
        ValueKind::String => Value::from(value.as_str().unwrap_or_default()),
        ValueKind::Seq | ValueKind::Iterable => {
            let items: Option<Vec<Value>> = value.try_iter().ok()?.map(|item| json(&item, size)).collect();
            Value::Array(items?)
        }
        ValueKind::Map => {
            let mut map = serde_json::Map::new();
            for key in value.try_iter().ok()? {
                map.insert(key.to_string(), json(&value.get_item(&key).ok()?, size)?);
            }
            Value::Object(map)
        }
        _ => Value::Null,
    })
}

/// Whether a value counts as true: not null, false, zero, and not an empty text, list or mapping.
#[must_use]
pub fn is_true(value: &Value) -> bool {
    data(value).is_true()
}

/// Whether a text parses as a template.
pub fn check_template(template: &str) -> Result<(), JinjaError> {
    check_length(template)?;
    environment().template_from_str(template).map(drop).map_err(|e| failed(template, &e))
}

/// Whether a text parses as an expression.
pub fn check_expression(expression: &str) -> Result<(), JinjaError> {
    check_length(expression)?;
    environment().compile_expression(expression).map(drop).map_err(|e| failed(expression, &e))
}

/// The same data as the engine holds it.
fn data(value: &Value) -> minijinja::Value {
    match value {
        Value::Null => minijinja::Value::from(()),
        Value::Bool(b) => minijinja::Value::from(*b),
        Value::Number(n) => match (n.as_i64(), n.as_f64()) {
            (Some(i), _) => minijinja::Value::from(i),
            (None, f) => minijinja::Value::from(f.unwrap_or(f64::NAN)),
        },
        Value::String(s) => minijinja::Value::from(s.as_str()),
        Value::Array(items) => minijinja::Value::from(items.iter().map(data).collect::<Vec<_>>()),
        Value::Object(map) => minijinja::Value::from_pairs(map.iter().map(|(k, v)| (k.as_str(), data(v)))),
    }
}

fn environment() -> Environment<'static> {
    let mut environment = Environment::new();
    environment.set_fuel(Some(FUEL));
    environment.set_recursion_limit(64);
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.set_auto_escape_callback(|_| AutoEscape::None);
    environment
}

fn check_length(text: &str) -> Result<(), JinjaError> {
    if text.len() > MAX_TEMPLATE { Err(JinjaError::TooLong(text.len())) } else { Ok(()) }
}

fn shown(template: &str) -> String {
    template.chars().take(120).collect()
}

fn failed(template: &str, error: &minijinja::Error) -> JinjaError {
    let reason =
        error.detail().map_or_else(|| error.kind().to_string(), |detail| format!("{}: {detail}", error.kind()));
    JinjaError::Failed { template: shown(template), reason }
}

struct Capped {
    bytes: Vec<u8>,
    full: bool,
}

impl Write for Capped {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.bytes.len() + bytes.len() > MAX_OUTPUT {
            self.full = true;
            return Err(io::Error::other("over the output limit"));
        }
        self.bytes.extend_from_slice(bytes);
        Ok(bytes.len())
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    #[test]
    fn values_are_inserted_and_never_run() {
        let context = json!({"labels": {"service": "{{ 7 * 7 }}<b>"}});
        assert_eq!(render("restart {{ labels.service }}", &context).unwrap(), "restart {{ 7 * 7 }}<b>");
        assert_eq!(render("{{ labels.zone | default('-') }}", &context).unwrap(), "-");
        assert_eq!(render("plain", &context).unwrap(), "plain");
        assert!(eval_bool("labels.service is containing('7')", &context).is_err(), "an unknown test is an error");
        assert!(eval_bool("'7' in labels.service and not false", &context).unwrap());
    }

    #[test]
    fn an_undefined_name_is_an_error_that_shows_the_template() {
        let error = render("{{ lables.service }}", &json!({"labels": {}})).unwrap_err();
        assert!(error.to_string().contains("{{ lables.service }}"), "{error}");
        assert!(eval_bool("steps.x.ok", &json!({})).is_err());
    }

    #[test]
    fn an_expression_gives_its_value_and_what_is_absent_is_null() {
        let body = json!({"a": {"b": [1, {"c": "x"}], "f": 1.5}, "n": null});
        let names = Names::new(&body);
        let value = |expression: &str| eval(expression, &names).unwrap();
        assert_eq!(value("a"), body["a"]);
        assert_eq!(value("a.b[1].c ~ '-' ~ a.f"), json!("x-1.5"));
        assert_eq!(value("nothing.at.all"), json!(null));
        assert_eq!(value("n or 'else'"), json!("else"));
        assert!(!is_true(&value("a.b | length == 3")) && is_true(&json!("x")) && !is_true(&json!([])));
        let inner = names.of(&body["a"]["b"][1]);
        assert_eq!(eval("c ~ item.c ~ body.a.f", &inner).unwrap(), json!("xx1.5"));
        assert!(eval("a.b[", &names).is_err());
    }

    #[test]
    fn loops_and_long_texts_end_at_their_limits() {
        assert!(
            render("{% for a in range(10000) %}{% for b in range(10000) %}x{% endfor %}{% endfor %}", &json!({}))
                .is_err()
        );
        let long = json!({"x": "y".repeat(200_000)});
        assert!(matches!(render("{{ x }}{{ x }}", &long), Err(JinjaError::Output { .. })));
        assert!(matches!(render(&"x".repeat(MAX_TEMPLATE + 1), &long), Err(JinjaError::TooLong(_))));
        assert!(render("{{ 'x' * 10000000000 }}", &json!({})).is_err());
        assert!(render("{% include 'secret' %}", &json!({})).is_err());
    }

    proptest! {
        #[test]
        fn no_text_panics(text in "(\\{\\{|\\}\\}|\\{%|%\\}|[ -~]|labels|\\PC){0,40}") {
            let _ = render(&text, &json!({"labels": {"a": "b"}}));
            let _ = eval_bool(&text, &json!({"labels": {"a": "b"}}));
        }
    }
}
