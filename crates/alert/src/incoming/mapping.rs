//! Bodies of any other tool: expressions say what is what.
//!
//! Not code: the expressions are minijinja's, within their limits, over the body and nothing else. `body` is the whole of
//! it, `item` the one of `each` that is looked at; the keys of an item that is a mapping are names of their own.

use serde_json::Value;
use watchkeeper_config::model::integration::Mapping;
use watchkeeper_lang::jinja::{self, Names};

use super::pick::{as_text, cut, priority, time};
use super::{Act, Decoded, Incoming, Outcome, Refused};

/// Most alerts of one body: each expression is evaluated for each.
const MOST_ITEMS: usize = 1_000;

pub(super) fn decode(mapping: &Mapping, body: &Value) -> Outcome {
    let whole = Names::new(body);
    let items = match &mapping.each {
        None => vec![body.clone()],
        Some(each) => match evaluate("each", each, &whole)? {
            Value::Array(items) if items.len() <= MOST_ITEMS => items,
            Value::Array(_) => return Err(Refused(format!("at most {MOST_ITEMS} alerts are taken at once"))),
            Value::Null => Vec::new(),
            _ => return Err(Refused(format!("`each` must give a list; `{}` does not", cut(each, 80)))),
        },
    };
    let mut alerts = Vec::with_capacity(items.len());
    for item in &items {
        alerts.extend(alert(mapping, &whole.of(item))?);
    }
    if alerts.is_empty() {
        return Ok(Decoded::Nothing("`when` holds for nothing in it, or there is nothing in it".to_owned()));
    }
    Ok(Decoded::Alerts(alerts))
}

fn evaluate(key: &str, expression: &str, names: &Names) -> Result<Value, Refused> {
    jinja::eval(expression, names).map_err(|error| Refused(format!("`{key}`: {error}")))
}

fn alert(mapping: &Mapping, names: &Names) -> Result<Option<Incoming>, Refused> {
    let text = |key: &str, expression: &Option<String>| -> Result<Option<String>, Refused> {
        let Some(expression) = expression else { return Ok(None) };
        Ok(as_text(&evaluate(key, expression, names)?))
    };
    if let Some(when) = &mapping.when
        && !jinja::is_true(&evaluate("when", when, names)?)
    {
        return Ok(None);
    }
    let title = text("title", &Some(mapping.title.clone()))?
        .ok_or_else(|| Refused(format!("`title` gives nothing: `{}`", cut(&mapping.title, 80))))?;
    let act = match &mapping.resolved {
        Some(resolved) if jinja::is_true(&evaluate("resolved", resolved, names)?) => Act::Resolve,
        _ => Act::Fire,
    };
    let key = text("key", &mapping.key)?.unwrap_or_else(|| title.clone());
    let mut incoming = Incoming::new(act, key, cut(&title, 200));
    incoming.stateless = mapping.resolved.is_none();
    incoming.service = text("service", &mapping.service)?;
    if let Some(word) = text("priority", &mapping.priority)? {
        let known = mapping.priorities.get(&word).copied().or_else(|| priority(&word));
        incoming.priority = Some(
            known.ok_or_else(|| Refused(format!("`priority` gives `{}`; add it to `priorities`", cut(&word, 40))))?,
        );
    }
    if let Some(word) = text("category", &mapping.category)? {
        incoming.category = Some(
            word.parse().map_err(|e: watchkeeper_domain::priority::UnknownWord| Refused(format!("`category`: {e}")))?,
        );
    }
    incoming.note("summary", text("summary", &mapping.summary)?);
    incoming.note("description", text("description", &mapping.description)?);
    incoming.url = text("url", &mapping.url)?.unwrap_or_default();
    if let Some(starts_at) = &mapping.starts_at {
        let at = serde_json::json!({"at": evaluate("starts_at", starts_at, names)?});
        incoming.starts_at = time(&at, "/at");
    }
    for (name, expression) in &mapping.labels {
        incoming.label(name, text(name, &Some(expression.clone()))?);
    }
    for (name, expression) in &mapping.annotations {
        incoming.note(name, text(name, &Some(expression.clone()))?);
    }
    Ok(Some(incoming))
}
