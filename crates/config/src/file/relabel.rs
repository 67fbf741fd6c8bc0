//! `relabel_configs` and `metric_relabel_configs`: the steps, with Prometheus's keys and defaults.
//!
//! Not what they do to labels: `scrape::relabel` does that.

use std::borrow::Cow;

use regex::{Regex, RegexBuilder};
use schemars::{JsonSchema, Schema, SchemaGenerator};

use super::scrape::may_name_label;
use crate::decode::record::record;
use crate::decode::{At, Context, FromNode, List, items};
use crate::model::scrape::{Relabel, RelabelAction};
use crate::yaml::Node;

/// The largest compiled regular expression.
const REGEX_SIZE: usize = 1 << 20;

record! {
    /// A step of relabelling.
    RelabelFile, "a relabel config" {
        /// The labels whose values, joined, are looked at.
        source_labels: Option<List<At<String>>> = "source_labels";
        /// What joins them. Default `;`.
        separator: Option<At<String>> = "separator";
        /// What the joined values are matched with, from beginning to end. Default `(.*)`.
        regex: Option<Raw> = "regex";
        /// The divisor of `hashmod`.
        modulus: Option<At<u32>> = "modulus";
        /// The label that is set.
        target_label: Option<Raw> = "target_label";
        /// What it is set to. Default `$1`.
        replacement: Option<Raw> = "replacement";
        /// What is done. Default `replace`.
        action: Option<At<RelabelAction>> = "action";
    }
}

/// A text in which `${1}` is a group of a match and no reference.
#[derive(Debug, Clone)]
pub(crate) struct Raw(At<String>);

impl FromNode for Raw {
    fn from_node(node: &Node, cx: &mut Context<'_>) -> Option<Self> {
        let outer = std::mem::replace(&mut cx.resolves, false);
        let read = At::from_node(node, cx);
        cx.resolves = outer;
        read.map(Self)
    }
}

impl JsonSchema for Raw {
    fn inline_schema() -> bool {
        true
    }
    fn schema_name() -> Cow<'static, str> {
        "Raw".into()
    }
    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        At::<String>::json_schema(generator)
    }
}

impl RelabelFile {
    pub(crate) fn build(&self, cx: &mut Context<'_>) -> Option<Relabel> {
        use RelabelAction::{
            DropEqual, HashMod, KeepEqual, LabelDrop, LabelKeep, LabelMap, Lowercase, Replace, Uppercase,
        };
        let action = self.action.as_ref().map_or(Replace, |at| at.value);
        let place = self.action.as_ref().map_or(&self.place, |at| &at.place);
        let (target, replacement) =
            (self.target_label.as_ref().map(|raw| &raw.0), self.replacement.as_ref().map(|raw| &raw.0));
        let regex = self.regex.as_ref().map(|raw| &raw.0);
        let target_label = target.map_or("", |at| at.value.as_str());
        let sets = matches!(action, Replace | KeepEqual | DropEqual | HashMod | Lowercase | Uppercase);
        if sets && target_label.is_empty() {
            cx.invalid(place, "this action needs a `target_label`", None);
        }
        if let Some(at) = target.filter(|at| !at.value.is_empty() && !may_name_label(&at.value)) {
            cx.invalid(&at.place, format!("`{}` cannot be the name of a label", at.value), None);
        }
        let modulus = self.modulus.as_ref().map_or(0, |at| at.value);
        if action == HashMod && modulus == 0 {
            cx.invalid(place, "`hashmod` needs a `modulus` above zero", None);
        }
        let others = [
            ("source_labels", self.source_labels.as_ref().map(|l| l.0.first().map_or(&self.place, |at| &at.place))),
            ("target_label", target.map(|at| &at.place)),
            ("separator", self.separator.as_ref().map(|at| &at.place)),
            ("replacement", replacement.map(|at| &at.place)),
        ];
        for (key, other) in others {
            if let (LabelDrop | LabelKeep, Some(place)) = (action, other) {
                let help = "remove the key";
                cx.invalid(
                    place,
                    format!("`labeldrop` and `labelkeep` take `regex` alone, not `{key}`"),
                    Some(help.into()),
                );
            }
        }
        if let (LabelMap, Some(at)) = (action, replacement)
            && !may_name_label(&at.value)
        {
            cx.invalid(&at.place, format!("`{}` cannot be the name of a label", at.value), None);
        }
        let written = regex.map_or("(.*)", |at| at.value.as_str());
        let compiled = match compile(written) {
            Ok(regex) => regex,
            Err(error) => {
                let place = regex.map_or(&self.place, |at| &at.place);
                cx.invalid(place, format!("`regex` is not a regular expression: {error}"), None);
                return None;
            }
        };
        Some(Relabel {
            action,
            source_labels: items(&self.source_labels).iter().map(|at| at.value.clone()).collect(),
            separator: self.separator.as_ref().map_or_else(|| ";".to_owned(), |at| at.value.clone()),
            regex: compiled,
            modulus: u64::from(modulus),
            target_label: target_label.to_owned(),
            replacement: replacement.map_or_else(|| "$1".to_owned(), |at| at.value.clone()),
        })
    }
}

/// Compiles as it is written first: a message about it must not speak of what we put around it.
fn compile(written: &str) -> Result<Regex, regex::Error> {
    RegexBuilder::new(written).size_limit(REGEX_SIZE).build()?;
    RegexBuilder::new(&format!("^(?s:{written})$")).size_limit(REGEX_SIZE).build()
}
