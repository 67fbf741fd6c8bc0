//! Renders a parsed template for one alert.
//!
//! Not the functions themselves. Values are inserted as they are and never parsed again. A query is not run here: its
//! answer is at hand, or the rendering ends with what it asks for.

use std::sync::Arc;

use super::function::{Act, Function, text};
use super::parse::{Command, Node, Operand, Parsed, Pipeline};
use super::value::Value;
use super::{MAX_CALLS, MAX_OUTPUT, MAX_STEPS, RenderError, Scope, moment};

pub(super) fn render(parsed: &Parsed, scope: &Scope<'_>, dot: &Value) -> Result<String, RenderError> {
    let given = |name: &str, value| (name.to_owned(), value);
    let mut run = Run {
        parsed,
        scope,
        variables: vec![
            given("", dot.clone()),
            given("labels", Value::Labels(scope.labels.clone())),
            given("value", Value::Float(scope.value)),
            given("externalLabels", Value::Labels(scope.outside.labels.clone())),
            given("externalURL", Value::Text(scope.outside.url.clone())),
        ],
        out: String::new(),
        steps: 0,
        calls: 0,
    };
    run.nodes(&parsed.main, dot)?;
    Ok(run.out)
}

struct Run<'a> {
    parsed: &'a Parsed,
    scope: &'a Scope<'a>,
    variables: Vec<(String, Value)>,
    out: String,
    steps: usize,
    calls: usize,
}

/// How a list of nodes ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Flow {
    On,
    Break,
    Continue,
}

impl<'a> Run<'a> {
    fn nodes(&mut self, nodes: &'a [Node], dot: &Value) -> Result<Flow, RenderError> {
        for node in nodes {
            self.step()?;
            let flow = match node {
                Node::Text(text) => {
                    self.write(text)?;
                    Flow::On
                }
                Node::Print(pipeline) => {
                    let value = self.pipeline(pipeline, dot)?;
                    if pipeline.assign.is_none() {
                        self.write(&value.text())?;
                    }
                    Flow::On
                }
                Node::If { condition, then, otherwise } => {
                    let scope = self.variables.len();
                    let chosen = if self.pipeline(condition, dot)?.truth() { then } else { otherwise };
                    let flow = self.nodes(chosen, dot)?;
                    self.variables.truncate(scope);
                    flow
                }
                Node::With { value, then, otherwise } => {
                    let scope = self.variables.len();
                    let value = self.pipeline(value, dot)?;
                    let flow = if value.truth() { self.nodes(then, &value)? } else { self.nodes(otherwise, dot)? };
                    self.variables.truncate(scope);
                    flow
                }
                Node::Range { names, value, body, otherwise } => {
                    let scope = self.variables.len();
                    let value = self.pipeline(value, dot)?;
                    let flow = self.range(names, &value, body, otherwise, dot)?;
                    self.variables.truncate(scope);
                    flow
                }
                Node::Template { name, dot: given } => {
                    let given = given.as_ref().map_or(Ok(Value::Nil), |pipeline| self.pipeline(pipeline, dot))?;
                    self.call_template(name, &given)?;
                    Flow::On
                }
                Node::Break => Flow::Break,
                Node::Continue => Flow::Continue,
            };
            if flow != Flow::On {
                return Ok(flow);
            }
        }
        Ok(Flow::On)
    }

    fn step(&mut self) -> Result<(), RenderError> {
        self.steps += 1;
        if self.steps > MAX_STEPS { Err(RenderError::Steps) } else { Ok(()) }
    }

    fn write(&mut self, text: &str) -> Result<(), RenderError> {
        if self.out.len() + text.len() > MAX_OUTPUT {
            return Err(RenderError::Output);
        }
        self.out.push_str(text);
        Ok(())
    }

    fn range(
        &mut self,
        names: &[String],
        over: &Value,
        body: &'a [Node],
        otherwise: &'a [Node],
        dot: &Value,
    ) -> Result<Flow, RenderError> {
        let place = |i: usize| Value::Int(i64::try_from(i).unwrap_or(i64::MAX));
        // An iterator: a count may be larger than any list.
        let elements: Box<dyn Iterator<Item = (Value, Value)>> = match over {
            Value::List(list) => {
                let list = Arc::clone(list);
                Box::new((0..list.len()).map(move |i| (place(i), list.get(i).cloned().unwrap_or(Value::Nil))))
            }
            Value::Labels(labels) => {
                let pairs: Vec<_> = labels.iter().map(|(n, v)| (n.to_owned(), v.to_owned())).collect();
                Box::new(pairs.into_iter().map(|(n, v)| (Value::Text(n), Value::Text(v))))
            }
            Value::Map(map) => {
                let pairs: Vec<_> = map.iter().map(|(n, v)| (Value::Text(n.clone()), v.clone())).collect();
                Box::new(pairs.into_iter())
            }
            Value::Int(count) => Box::new((0..*count).map(|i| (Value::Int(i), Value::Int(i)))),
            Value::Nil => Box::new(std::iter::empty()),
            other => {
                let reason = format!("takes a query's result, labels or a number, not {}", other.kind());
                return Err(RenderError::Function { function: "range", reason });
            }
        };
        let mut any = false;
        for (key, element) in elements {
            any = true;
            self.step()?;
            let scope = self.variables.len();
            match names {
                [name] => self.variables.push((name.clone(), element.clone())),
                [first, second] => {
                    self.variables.push((first.clone(), key));
                    self.variables.push((second.clone(), element.clone()));
                }
                _ => {}
            }
            let flow = self.nodes(body, &element)?;
            self.variables.truncate(scope);
            if flow == Flow::Break {
                break;
            }
        }
        if any { Ok(Flow::On) } else { self.nodes(otherwise, dot) }
    }

    fn call_template(&mut self, name: &str, dot: &Value) -> Result<(), RenderError> {
        let parsed = self.parsed;
        let nodes = parsed.defined.get(name).ok_or_else(|| RenderError::Function {
            function: "template",
            reason: format!("\"{}\" is not defined in this text", name.chars().take(80).collect::<String>()),
        })?;
        self.calls += 1;
        if self.calls > MAX_CALLS {
            return Err(RenderError::Calls);
        }
        let outer = std::mem::replace(&mut self.variables, vec![(String::new(), dot.clone())]);
        self.nodes(nodes, dot)?;
        self.variables = outer;
        self.calls -= 1;
        Ok(())
    }

    fn pipeline(&mut self, pipeline: &'a Pipeline, dot: &Value) -> Result<Value, RenderError> {
        let mut piped = None;
        for command in &pipeline.commands {
            self.step()?;
            piped = Some(match command {
                Command::Operand(operand) => self.operand(operand, dot)?,
                Command::Call { function, args } => self.call(function, args, piped, dot)?,
                Command::Method { of, args } => self.method(of, args, dot)?,
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

    fn call(
        &mut self,
        function: &'static Function,
        args: &'a [Operand],
        piped: Option<Value>,
        dot: &Value,
    ) -> Result<Value, RenderError> {
        let refused = |reason: String| RenderError::Function { function: function.name, reason };
        if let Act::And | Act::Or = function.act {
            let decides = |value: &Value| value.truth() == matches!(function.act, Act::Or);
            let mut last = Value::Nil;
            for arg in args {
                last = self.operand(arg, dot)?;
                if decides(&last) {
                    return Ok(last);
                }
            }
            return Ok(piped.unwrap_or(last));
        }
        let mut values = Vec::with_capacity(args.len() + 1);
        for arg in args {
            values.push(self.operand(arg, dot)?);
        }
        values.extend(piped);
        let value = match function.act {
            Act::Pure(call) => call(&values).map_err(refused)?,
            Act::And | Act::Or => Value::Nil,
            Act::Query => self.query(text(&values[0]).map_err(refused)?)?,
            Act::Now => Value::Float(self.scope.at.as_secs_f64()),
            Act::ExternalUrl => Value::Text(self.scope.outside.url.clone()),
            Act::PathPrefix => Value::Text(path(&self.scope.outside.url).to_owned()),
            Act::Template => {
                let name = text(&values[0]).map_err(refused)?;
                let before = std::mem::take(&mut self.out);
                self.call_template(name, &values[1])?;
                Value::Text(std::mem::replace(&mut self.out, before))
            }
        };
        match &value {
            Value::Text(text) if text.len() > MAX_OUTPUT => Err(RenderError::Output),
            _ => Ok(value),
        }
    }

    fn query(&self, expr: &str) -> Result<Value, RenderError> {
        match self.scope.answers.get(expr) {
            Some(Ok(samples)) => {
                Ok(Value::List(samples.iter().map(|sample| Value::Sample(Arc::clone(sample))).collect()))
            }
            Some(Err(reason)) => Err(RenderError::Function { function: "query", reason: reason.clone() }),
            None => Err(RenderError::Asks(expr.to_owned())),
        }
    }

    fn operand(&mut self, operand: &'a Operand, dot: &Value) -> Result<Value, RenderError> {
        match operand {
            Operand::Dot(fields) => self.fields(dot.clone(), fields),
            Operand::Variable(name, fields) => self.fields(self.variable(name), fields),
            Operand::Text(text) => Ok(Value::Text(text.clone())),
            Operand::Int(i) => Ok(Value::Int(*i)),
            Operand::Float(f) => Ok(Value::Float(*f)),
            Operand::Bool(b) => Ok(Value::Bool(*b)),
            Operand::Nil => Ok(Value::Nil),
            Operand::Call(function) => self.call(function, &[], None, dot),
            Operand::Parenthesis(pipeline, fields) => {
                let value = self.pipeline(pipeline, dot)?;
                self.fields(value, fields)
            }
        }
    }

    fn variable(&self, name: &str) -> Value {
        self.variables.iter().rev().find(|(n, _)| n == name).map_or(Value::Nil, |(_, v)| v.clone())
    }

    /// `value.Format "2006"`: the one method with an argument that values have.
    fn method(&mut self, of: &'a Operand, args: &'a [Operand], dot: &Value) -> Result<Value, RenderError> {
        let (value, fields) = match of {
            Operand::Dot(fields) => (dot.clone(), fields),
            Operand::Variable(name, fields) => (self.variable(name), fields),
            Operand::Parenthesis(pipeline, fields) => (self.pipeline(pipeline, dot)?, fields),
            other => return self.operand(other, dot),
        };
        let Some((name, fields)) = fields.split_last() else { return Ok(value) };
        let value = self.fields(value, fields)?;
        match (&value, name.as_str(), args) {
            (Value::Time(nanos), "Format", [layout]) => {
                let layout = self.operand(layout, dot)?;
                let formatted = text(&layout).and_then(|layout| moment::formatted(*nanos, layout));
                formatted.map(Value::Text).map_err(|reason| RenderError::Function { function: "Format", reason })
            }
            _ => Err(RenderError::Field(name.chars().take(80).collect())),
        }
    }

    fn fields(&self, mut value: Value, fields: &[String]) -> Result<Value, RenderError> {
        for field in fields {
            value = match (&value, field.as_str()) {
                (Value::Root, "Labels") => Value::Labels(self.scope.labels.clone()),
                (Value::Root, "Value") => Value::Float(self.scope.value),
                (Value::Root, "ExternalLabels") => Value::Labels(self.scope.outside.labels.clone()),
                (Value::Root, "ExternalURL") => Value::Text(self.scope.outside.url.clone()),
                (Value::Sample(sample), "Labels") => Value::Labels(sample.labels.clone()),
                (Value::Sample(sample), "Value") => Value::Float(sample.value),
                // A label that is absent is empty, as in Prometheus.
                (Value::Labels(labels), name) => Value::Text(labels.get(name).unwrap_or("").to_owned()),
                (Value::Map(map), name) => map.get(name).cloned().unwrap_or(Value::Nil),
                (Value::Time(nanos), name) => moment::part(*nanos, name).ok_or_else(|| unknown(name))?,
                (_, name) => return Err(unknown(name)),
            };
        }
        Ok(value)
    }
}

fn unknown(name: &str) -> RenderError {
    RenderError::Field(name.chars().take(80).collect())
}

/// The path of an address, without a slash at its end.
fn path(url: &str) -> &str {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    rest.find('/').and_then(|at| rest.get(at..)).map_or("", |path| path.trim_end_matches('/'))
}
