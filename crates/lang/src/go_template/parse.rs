//! The grammar: text, actions, `if`/`else`, `with`, pipelines.
//!
//! Not the meaning of functions: `function` has their table; here names and numbers of arguments are checked.

use super::function::{self, Function};
use super::lex::{self, Kind, Piece, Token};
use super::{MAX_DEPTH, TemplateError};

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Node {
    Text(String),
    Print(Pipeline),
    If { condition: Pipeline, then: Vec<Node>, otherwise: Vec<Node> },
    With { value: Pipeline, then: Vec<Node>, otherwise: Vec<Node> },
}

#[derive(Debug, Clone, PartialEq)]
pub(super) struct Pipeline {
    /// The variable that gets the result, and whether it is a new one.
    pub(super) assign: Option<(String, bool)>,
    pub(super) commands: Vec<Command>,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Command {
    Operand(Operand),
    /// A value that came through the pipe is the last argument.
    Call {
        function: &'static Function,
        args: Vec<Operand>,
    },
}

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Operand {
    Dot(Vec<String>),
    Variable(String, Vec<String>),
    Text(String),
    Int(i64),
    Float(f64),
    Bool(bool),
    Nil,
    Parenthesis(Box<Pipeline>),
}

/// Variables that exist before the template begins.
pub(super) const GIVEN: [&str; 5] = ["", "labels", "value", "externalLabels", "externalURL"];

pub(super) fn parse(text: &str) -> Result<Vec<Node>, TemplateError> {
    let pieces = lex::pieces(text)?;
    let mut parser = Parser {
        pieces: pieces.into_iter().peekable(),
        scope: GIVEN.map(str::to_owned).to_vec(),
        depth: 0,
        end: text.len(),
    };
    let (nodes, stop) = parser.block()?;
    match stop {
        Stop::End => Ok(nodes),
        Stop::Keyword { word, offset, .. } => Err(error(offset, format!("`{word}` without `if` or `with` before it"))),
    }
}

fn error(offset: usize, reason: impl Into<String>) -> TemplateError {
    TemplateError { offset, reason: reason.into() }
}

struct Parser {
    pieces: std::iter::Peekable<std::vec::IntoIter<Piece>>,
    scope: Vec<String>,
    depth: usize,
    end: usize,
}

/// Why a block ended.
enum Stop {
    End,
    Keyword { word: &'static str, rest: Vec<Token>, offset: usize },
}

impl Parser {
    fn block(&mut self) -> Result<(Vec<Node>, Stop), TemplateError> {
        let mut nodes = Vec::new();
        while let Some(piece) = self.pieces.next() {
            let (tokens, offset) = match piece {
                Piece::Text(text) => {
                    nodes.push(Node::Text(text));
                    continue;
                }
                Piece::Action { tokens, offset } => (tokens, offset),
            };
            let keyword = match tokens.first().map(|t| &t.kind) {
                Some(Kind::Word(word)) => word.clone(),
                _ => String::new(),
            };
            let rest = || tokens.iter().skip(1).cloned().collect::<Vec<_>>();
            match keyword.as_str() {
                "if" => nodes.push(self.conditional(rest(), offset, false)?),
                "with" => nodes.push(self.conditional(rest(), offset, true)?),
                "else" => return Ok((nodes, Stop::Keyword { word: "else", rest: rest(), offset })),
                "end" => return Ok((nodes, Stop::Keyword { word: "end", rest: rest(), offset })),
                word @ ("range" | "define" | "template" | "block" | "break" | "continue") => {
                    return Err(error(
                        offset,
                        format!(
                            "`{word}` is not supported in templates; accepted: `if`, `else`, `with`, `end` and functions"
                        ),
                    ));
                }
                _ => nodes.push(Node::Print(self.pipeline(tokens, offset)?)),
            }
        }
        Ok((nodes, Stop::End))
    }

    fn conditional(&mut self, tokens: Vec<Token>, offset: usize, with: bool) -> Result<Node, TemplateError> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(error(offset, format!("blocks are nested deeper than {MAX_DEPTH}")));
        }
        let scope = self.scope.len();
        let condition = self.pipeline(tokens, offset)?;
        let (then, stop) = self.block()?;
        let otherwise = match stop {
            Stop::End => return Err(error(offset, "the block is not closed with `{{ end }}`")),
            Stop::Keyword { word: "end", .. } => Vec::new(),
            Stop::Keyword { rest, offset, .. } => match rest.first().map(|t| &t.kind) {
                None => match self.block()? {
                    (nodes, Stop::Keyword { word: "end", .. }) => nodes,
                    (_, Stop::Keyword { offset, .. }) => return Err(error(offset, "a block has one `else` at most")),
                    (_, Stop::End) => return Err(error(offset, "the block is not closed with `{{ end }}`")),
                },
                // `else if` shares the `end` of the chain.
                Some(Kind::Word(word)) if word == "if" || word == "with" => {
                    let with = word == "with";
                    vec![self.conditional(rest.into_iter().skip(1).collect(), offset, with)?]
                }
                Some(_) => return Err(error(offset, "after `else` only `if` or `with` may follow")),
            },
        };
        self.scope.truncate(scope);
        self.depth -= 1;
        Ok(if with {
            Node::With { value: condition, then, otherwise }
        } else {
            Node::If { condition, then, otherwise }
        })
    }

    fn pipeline(&mut self, tokens: Vec<Token>, offset: usize) -> Result<Pipeline, TemplateError> {
        let mut words = Words { tokens: &tokens, at: 0, offset, end: self.end, scope: &mut self.scope, depth: 0 };
        let pipeline = words.pipeline(true)?;
        match words.peek() {
            None => Ok(pipeline),
            Some(token) => Err(error(token.offset, "this was not expected here")),
        }
    }
}

struct Words<'a> {
    tokens: &'a [Token],
    at: usize,
    offset: usize,
    end: usize,
    scope: &'a mut Vec<String>,
    depth: usize,
}

impl Words<'_> {
    fn peek(&self) -> Option<&Token> {
        self.tokens.get(self.at)
    }

    fn here(&self) -> usize {
        self.peek().map_or(self.offset.min(self.end), |t| t.offset)
    }

    fn pipeline(&mut self, may_assign: bool) -> Result<Pipeline, TemplateError> {
        let mut assign = None;
        if let [
            Token { kind: Kind::Variable(name), offset, .. },
            Token { kind: sign @ (Kind::Declare | Kind::Assign), .. },
            ..,
        ] = &self.tokens[self.at..]
        {
            if !may_assign {
                return Err(error(*offset, "a variable is set outside of parentheses only"));
            }
            let new = *sign == Kind::Declare;
            if !new && !self.scope.contains(name) {
                return Err(error(*offset, format!("the variable `${name}` is not defined")));
            }
            assign = Some((name.clone(), new));
            self.at += 2;
        }
        let mut commands = vec![self.command(false)?];
        while self.peek().is_some_and(|t| t.kind == Kind::Pipe) {
            self.at += 1;
            commands.push(self.command(true)?);
        }
        if let Some((name, true)) = &assign {
            self.scope.push(name.clone());
        }
        Ok(Pipeline { assign, commands })
    }

    fn command(&mut self, piped: bool) -> Result<Command, TemplateError> {
        let offset = self.here();
        let word = match self.peek().map(|t| &t.kind) {
            Some(Kind::Word(word)) if !matches!(word.as_str(), "true" | "false" | "nil") => Some(word.clone()),
            _ => None,
        };
        if let Some(word) = word {
            self.at += 1;
            let function = function::find(&word).map_err(|reason| error(offset, reason))?;
            let mut args = Vec::new();
            while let Some(operand) = self.operand()? {
                args.push(operand);
            }
            let given = args.len() + usize::from(piped);
            if given < function.least || given > function.most {
                let takes = match (function.least, function.most) {
                    (a, b) if a == b => format!("{a}"),
                    (a, usize::MAX) => format!("at least {a}"),
                    (a, b) => format!("{a} to {b}"),
                };
                return Err(error(offset, format!("`{word}` takes {takes} argument(s), not {given}")));
            }
            return Ok(Command::Call { function, args });
        }
        if piped {
            return Err(error(offset, "after `|` a function must follow"));
        }
        let operand = self.operand()?.ok_or_else(|| error(offset, "a value is missing here"))?;
        if self.operand()?.is_some() {
            return Err(error(offset, "only a function can be followed by arguments"));
        }
        Ok(Command::Operand(operand))
    }

    fn operand(&mut self) -> Result<Option<Operand>, TemplateError> {
        let Some(token) = self.peek().cloned() else { return Ok(None) };
        let operand = match token.kind {
            Kind::Pipe | Kind::Close => return Ok(None),
            Kind::Dot => {
                self.at += 1;
                Operand::Dot(Vec::new())
            }
            Kind::Field(_) => Operand::Dot(self.fields(true)),
            Kind::Variable(name) => {
                if !self.scope.contains(&name) {
                    return Err(error(
                        token.offset,
                        format!("the variable `${name}` is not defined; there are `$labels` and `$value`"),
                    ));
                }
                self.at += 1;
                Operand::Variable(name, self.fields(false))
            }
            Kind::Open => {
                self.at += 1;
                self.depth += 1;
                if self.depth > MAX_DEPTH {
                    return Err(error(token.offset, format!("parentheses are nested deeper than {MAX_DEPTH}")));
                }
                let inner = self.pipeline(false)?;
                if self.peek().is_none_or(|t| t.kind != Kind::Close) {
                    return Err(error(token.offset, "the parenthesis is not closed"));
                }
                self.at += 1;
                self.depth -= 1;
                if let Some(Token { kind: Kind::Field(name), offset, spaced: false }) = self.peek() {
                    return Err(error(*offset, format!("`.{name}` after parentheses is not supported")));
                }
                Operand::Parenthesis(Box::new(inner))
            }
            kind => {
                self.at += 1;
                match kind {
                    Kind::Text(text) => Operand::Text(text),
                    Kind::Int(i) => Operand::Int(i),
                    Kind::Float(f) => Operand::Float(f),
                    Kind::Word(word) => match word.as_str() {
                        "true" => Operand::Bool(true),
                        "false" => Operand::Bool(false),
                        "nil" => Operand::Nil,
                        // A function as an argument is called without arguments, as Go does.
                        _ => {
                            let function = function::find(&word).map_err(|reason| error(token.offset, reason))?;
                            return Err(error(
                                token.offset,
                                format!("`{}` with its arguments belongs into parentheses here", function.name),
                            ));
                        }
                    },
                    _ => return Err(error(token.offset, "this was not expected here")),
                }
            }
        };
        Ok(Some(operand))
    }

    /// Fields that follow one another without white space.
    fn fields(&mut self, mut first: bool) -> Vec<String> {
        let mut names = Vec::new();
        while let Some(Token { kind: Kind::Field(name), spaced, .. }) = self.peek() {
            if *spaced && !first {
                break;
            }
            names.push(name.clone());
            first = false;
            self.at += 1;
        }
        names
    }
}
