//! The post-mortem as Markdown (CommonMark with tables), for wikis and repositories.
//!
//! Not HTML. Every text that came from outside is escaped: a label can neither become a heading nor break a table.

use std::fmt::Write;

use watchkeeper_domain::Span;

use super::impact::ImpactState;
use super::{ActionItem, Facts, PostMortem};
use crate::incident::Incident;
use crate::timeline::TimelineEntry;

/// Renders a post-mortem with its incident and its timeline.
#[must_use]
pub fn markdown(incident: &Incident, review: &PostMortem, timeline: &[TimelineEntry]) -> String {
    let mut out = String::new();
    // Writing into a text cannot fail.
    let _ = render(&mut out, incident, review, timeline);
    out
}

fn render(out: &mut String, incident: &Incident, review: &PostMortem, timeline: &[TimelineEntry]) -> std::fmt::Result {
    let facts = &review.facts;
    writeln!(out, "# Post-mortem INC-{}: {}\n", incident.number, line(&incident.title))?;
    writeln!(out, "{}\n", block(&review.summary))?;
    writeln!(out, "| | |\n|---|---|")?;
    writeln!(out, "| Kind | {}, {} |", incident.kind, incident.category)?;
    writeln!(out, "| Priority | {} |", incident.priority)?;
    writeln!(out, "| Began | {} |\n| Opened | {} |", incident.started_at, incident.opened_at)?;
    if let Some(at) = incident.resolved_at {
        writeln!(out, "| Resolved | {at} |")?;
    }
    writeln!(out, "| Time to detect | {} |", seconds(facts.mttd_s))?;
    let mtta = facts.mtta_s.map_or_else(|| "nobody had to".to_owned(), seconds);
    writeln!(out, "| Time to acknowledge | {mtta} |\n| Time to resolve | {} |", seconds(facts.mttr_s))?;
    for (role, person) in &incident.roles {
        writeln!(out, "| {} | {} |", line(&role.replace('_', " ")), line(person))?;
    }
    writeln!(out, "\n## Impact\n\n{}\n", impact(facts))?;
    writeln!(out, "## What was tried\n")?;
    if facts.tried.is_empty() {
        writeln!(out, "No workflow ran.\n")?;
    } else {
        writeln!(out, "| When | Workflow | Outcome | Detail |\n|---|---|---|---|")?;
        for t in &facts.tried {
            writeln!(out, "| {} | {} | {} | {} |", t.at, line(&t.workflow), line(&t.outcome), line(&t.detail))?;
        }
        writeln!(out)?;
    }
    writeln!(out, "## Timeline\n\n| When | Who | What |\n|---|---|---|")?;
    for entry in timeline {
        writeln!(out, "| {} | {} | {} |", entry.at, line(&entry.actor.to_string()), line(&entry.text))?;
    }
    part(
        out,
        "Root cause",
        &review.root_cause,
        "Why did it happen, and why was it possible at all? Ask why five times.",
    )?;
    part(out, "Lessons", &review.lessons, "What went well, what did not, and where were we lucky?")?;
    writeln!(out, "\n## Action items\n")?;
    if review.action_items.is_empty() {
        writeln!(out, "_None yet. What would have prevented it, found it sooner, or ended it faster?_")?;
    }
    review.action_items.iter().try_for_each(|item| action(out, item))
}

fn part(out: &mut String, title: &str, text: &str, prompt: &str) -> std::fmt::Result {
    let body = if text.trim().is_empty() { format!("_{prompt}_") } else { block(text) };
    writeln!(out, "\n## {title}\n\n{body}")
}

fn action(out: &mut String, item: &ActionItem) -> std::fmt::Result {
    let tick = if item.done_at.is_some() { 'x' } else { ' ' };
    let owner = if item.owner.is_empty() { "nobody yet".to_owned() } else { line(&item.owner) };
    let due = if item.due.is_empty() { "no day set".to_owned() } else { line(&item.due) };
    writeln!(out, "- [{tick}] {} ({owner}, {due})", line(&item.text))
}

fn impact(facts: &Facts) -> String {
    let impact = &facts.impact;
    let asked = impact.query.as_deref().map(|query| format!(" Asked: {}", code(query))).unwrap_or_default();
    match (impact.state, impact.failed_requests) {
        (ImpactState::Known, Some(failed)) => {
            format!("{} failed requests in {}.{asked}", failed.round(), impact.window)
        }
        (ImpactState::NotConfigured, _) => "Not known: no `impact_query` is configured.".to_owned(),
        (ImpactState::Pending, _) => format!("Not known yet: the query is about to be asked.{asked}"),
        _ => format!("Not known: {}.{asked}", line(impact.why.as_deref().unwrap_or("the query has no answer"))),
    }
}

fn seconds(secs: f64) -> String {
    Span::from(std::time::Duration::from_secs_f64(secs.max(0.0))).to_string()
}

/// Text for one line: nothing in it means anything to Markdown or HTML, and it cannot leave its table cell.
fn line(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 8);
    for c in text.chars() {
        match c {
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '&' => out.push_str("&amp;"),
            '\\' | '`' | '*' | '_' | '{' | '}' | '[' | ']' | '(' | ')' | '#' | '+' | '!' | '|' | '~' | '$' => {
                out.extend(['\\', c]);
            }
            c if c.is_control() => out.push(' '),
            c => out.push(c),
        }
    }
    // What stands at the beginning of a line may be a list or a rule, also without the characters above.
    let trimmed = out.trim_start();
    match trimmed.chars().next() {
        Some('-' | '=') => format!("\\{trimmed}"),
        Some('0'..='9') => {
            let digits = trimmed.bytes().take_while(u8::is_ascii_digit).count();
            let (number, rest) = trimmed.split_at(digits);
            if rest.starts_with('.') { format!("{number}\\{rest}") } else { trimmed.to_owned() }
        }
        _ => trimmed.to_owned(),
    }
}

/// Text of several lines: its line breaks stay.
fn block(text: &str) -> String {
    text.trim().lines().map(line).collect::<Vec<_>>().join("  \n")
}

/// A code span that holds any text: its fence is longer than any run of backticks inside.
fn code(text: &str) -> String {
    let flat: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    let longest = flat.split(|c| c != '`').map(str::len).max().unwrap_or(0);
    let fence = "`".repeat(longest + 1);
    format!("{fence} {flat} {fence}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hostile_text_stays_text_in_a_table_cell() {
        let text = line("a|b\n# c <script> [x](javascript:1) `d` **e** &lt;");
        assert!(!text.contains('\n') && !text.contains("<script>") && text.contains("a\\|b"), "{text}");
        assert!(text.contains("\\[x\\]\\(javascript:1\\)") && text.contains("&amp;lt;"), "{text}");
    }

    #[test]
    fn beginnings_of_lines_that_mean_something_are_disarmed() {
        assert_eq!(line("- item"), "\\- item");
        assert_eq!(line("12. item"), "12\\. item");
        assert_eq!(line("12 items"), "12 items");
        assert_eq!(block("a\n===\n--- b"), "a  \n\\===  \n\\--- b");
    }

    #[test]
    fn code_spans_hold_backticks() {
        assert_eq!(code("a ``b"), "``` a ``b ```");
    }
}
