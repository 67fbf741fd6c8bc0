//! Renders a parsed template for one alert.
//!
//! Not the functions themselves. Values are inserted as they are and never parsed again.

use watchkeeper_domain::Labels;

use super::parse::{Command, Node, Operand, Pipeline};
use super::value::Value;
use super::{MAX_OUTPUT, Outside, RenderError};

pub(super) fn render(nodes: &[Node], labels: &Labels, value: f64, outside: &Outside) -> Result<String, RenderError> {
    let given = |name: &str, value| (name.to_owned(), value);
    let mut run = Run {
        labels,
        value,
        outside,
        variables: vec![
            given("", Value::Root),
            given("labels", Value::Labels(labels.clone())),
            given("value", Value::Float(value)),
            given("externalLabels", Value::Labels(outside.labels.clone())),
            given("externalURL", Value::Text(outside.url.clone())),
        ],
        out: String::new(),
    };
    run.nodes(nodes, &Value::Root)?;
    Ok(run.out)
}

struct Run<'a> {
    labels: &'a Labels,
    value: f64,
    outside: &'a Outside,
    variables: Vec<(String, Value)>,
    out: String,
}

impl Run<'_> {
    fn nodes(&mut self, nodes: &[Node], dot: &Value) -> Result<(), RenderError> {
        for node in nodes {
            match node {
                Node::Text(text) => self.write(text)?,
                Node::Print(pipeline) => {
                    let value = self.pipeline(pipeline, dot)?;
                    if pipeline.assign.is_none() {
                        self.write(&value.text())?;
                    }
                }
                Node::If { condition, then, otherwise } => {
                    let scope = self.variables.len();
                    let chosen = if self.pipeline(condition, dot)?.truth() { then } else { otherwise };
                    self.nodes(chosen, dot)?;
                    self.variables.truncate(scope);
                }
                Node::With { value, then, otherwise } => {
                    let scope = self.variables.len();
                    let value = self.pipeline(value, dot)?;
                    if value.truth() {
                        self.nodes(then, &value)?
                    } else {
                        self.nodes(otherwise, dot)?
                    }
                    self.variables.truncate(scope);
                }
            }
        }
        Ok(())
    }

    fn write(&mut self, text: &str) -> Result<(), RenderError> {
        if self.out.len() + text.len() > MAX_OUTPUT {
            return Err(RenderError::Output);
        }
        self.out.push_str(text);
        Ok(())
    }

    fn pipeline(&mut self, pipeline: &Pipeline, dot: &Value) -> Result<Value, RenderError> {
        let mut piped = None;
        for command in &pipeline.commands {
            piped = Some(match command {
                Command::Operand(operand) => self.operand(operand, dot)?,
                Command::Call { function, args } => {
                    let mut values = Vec::with_capacity(args.len() + 1);
                    for arg in args {
                        values.push(self.operand(arg, dot)?);
                    }
                    values.extend(piped);
                    (function.call)(&values)
                        .map_err(|reason| RenderError::Function { function: function.name, reason })?
                }
            });
        }
        let value = piped.unwrap_or(Value::Nil);
        match &pipeline.assign {
            Some((name, true)) => self.variables.push((name.clone(), value.clone())),
            Some((name, false)) => {
                if let Some((_, slot)) = self.variables.iter_mut().rev().find(|(n, _)| n == name) {
                    *slot = value.clone();
                }
            }
            None => {}
        }
        Ok(value)
    }

    fn operand(&mut self, operand: &Operand, dot: &Value) -> Result<Value, RenderError> {
        match operand {
            Operand::Dot(fields) => self.fields(dot.clone(), fields),
            Operand::Variable(name, fields) => {
                let value = self.variables.iter().rev().find(|(n, _)| n == name).map_or(Value::Nil, |(_, v)| v.clone());
                self.fields(value, fields)
            }
            Operand::Text(text) => Ok(Value::Text(text.clone())),
            Operand::Int(i) => Ok(Value::Int(*i)),
            Operand::Float(f) => Ok(Value::Float(*f)),
            Operand::Bool(b) => Ok(Value::Bool(*b)),
            Operand::Nil => Ok(Value::Nil),
            Operand::Parenthesis(pipeline) => self.pipeline(pipeline, dot),
        }
    }

    fn fields(&self, mut value: Value, fields: &[String]) -> Result<Value, RenderError> {
        for field in fields {
            value = match (&value, field.as_str()) {
                (Value::Root, "Labels") => Value::Labels(self.labels.clone()),
                (Value::Root, "Value") => Value::Float(self.value),
                (Value::Root, "ExternalLabels") => Value::Labels(self.outside.labels.clone()),
                (Value::Root, "ExternalURL") => Value::Text(self.outside.url.clone()),
                // A label that is absent is empty, as in Prometheus.
                (Value::Labels(labels), name) => Value::Text(labels.get(name).unwrap_or("").to_owned()),
                (_, name) => return Err(RenderError::Field(name.chars().take(80).collect())),
            };
        }
        Ok(value)
    }
}
