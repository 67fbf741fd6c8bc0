//! The grammar: text, actions, `if`, `with`, `range`, `define`, `template`, `block`, pipelines.
//!
//! Not the meaning of functions: `function` has their table; here names and numbers of arguments are checked.

use std::collections::BTreeMap;

use super::function::{self, Function};
use super::lex::{self, Kind, Piece, Token};
use super::{MAX_DEPTH, TemplateError};

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Node {
    Text(String),
    Print(Pipeline),
    If {
        condition: Pipeline,
        then: Vec<Node>,
        otherwise: Vec<Node>,
    },
    With {
        value: Pipeline,
        then: Vec<Node>,
        otherwise: Vec<Node>,
    },
    Range {
        /// Variables for the place and the element; the element's alone when there is one.
        names: Vec<String>,
        value: Pipeline,
        body: Vec<Node>,
        otherwise: Vec<Node>,
    },
    /// Another template of the same text, with its dot.
    Template {
        name: String,
        dot: Option<Pipeline>,
    },
    Break,
    Continue,
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
    /// `value.Method argument`; the last field of the operand is the method.
    Method {
        of: Operand,
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
    /// A function that needs no argument, called where it stands.
    Call(&'static Function),
    Parenthesis(Box<Pipeline>, Vec<String>),
}

/// A whole text: what is rendered, and the templates that it defines.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Parsed {
    pub(super) main: Vec<Node>,
    pub(super) defined: BTreeMap<String, Vec<Node>>,
    /// Whether a query is called somewhere.
    pub(super) asks: bool,
}

/// Variables that exist before the template begins; a defined template has only the first.
pub(super) const GIVEN: [&str; 5] = ["", "labels", "value", "externalLabels", "externalURL"];

pub(super) fn parse(text: &str) -> Result<Parsed, TemplateError> {
    let pieces = lex::pieces(text)?;
    let mut parser = Parser {
        pieces: pieces.into_iter().peekable(),
        scope: GIVEN.map(str::to_owned).to_vec(),
        depth: 0,
        loops: 0,
        end: text.len(),
        defined: BTreeMap::new(),
        called: Vec::new(),
        asks: false,
    };
    let (main, stop) = parser.block()?;
    if let Stop::Keyword { word, offset, .. } = stop {
        return Err(error(offset, format!("`{word}` without `if`, `with` or `range` before it")));
    }
    let Parser { defined, called, asks, .. } = parser;
    match called.into_iter().find(|(name, _)| !defined.contains_key(name)) {
        Some((name, offset)) => {
            let name: String = name.chars().take(80).collect();
            Err(error(offset, format!("the template \"{name}\" is not defined in this text")))
        }
        None => Ok(Parsed { main, defined, asks }),
    }
}

fn error(offset: usize, reason: impl Into<String>) -> TemplateError {
    TemplateError { offset, reason: reason.into() }
}

struct Parser {
    pieces: std::iter::Peekable<std::vec::IntoIter<Piece>>,
    scope: Vec<String>,
    depth: usize,
    loops: usize,
    end: usize,
    defined: BTreeMap<String, Vec<Node>>,
    /// Templates that are called, with where.
    called: Vec<(String, usize)>,
    asks: bool,
}

/// Why a block ended.
enum Stop {
    End,
    Keyword { word: &'static str, rest: Vec<Token>, offset: usize },
}

/// A block that has a body and may have an `else`.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Block {
    If,
    With,
    Range,
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
                "if" => nodes.push(self.branch(rest(), offset, Block::If)?),
                "with" => nodes.push(self.branch(rest(), offset, Block::With)?),
                "range" => nodes.push(self.branch(rest(), offset, Block::Range)?),
                "else" => return Ok((nodes, Stop::Keyword { word: "else", rest: rest(), offset })),
                "end" => return Ok((nodes, Stop::Keyword { word: "end", rest: rest(), offset })),
                "define" => self.define(&rest(), offset)?,
                "template" => nodes.push(self.template(rest(), offset)?),
                "block" => nodes.push(self.inline(rest(), offset)?),
                "break" | "continue" if self.loops == 0 => {
                    return Err(error(offset, format!("`{keyword}` stands inside `range` only")));
                }
                "break" => nodes.push(Node::Break),
                "continue" => nodes.push(Node::Continue),
                _ => nodes.push(Node::Print(self.pipeline(tokens, offset)?)),
            }
        }
        Ok((nodes, Stop::End))
    }

    fn deeper(&mut self, offset: usize) -> Result<(), TemplateError> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(error(offset, format!("blocks are nested deeper than {MAX_DEPTH}")));
        }
        Ok(())
    }

    fn branch(&mut self, tokens: Vec<Token>, offset: usize, block: Block) -> Result<Node, TemplateError> {
        self.deeper(offset)?;
        let scope = self.scope.len();
        let (names, tokens) = if block == Block::Range { range_names(tokens) } else { (Vec::new(), tokens) };
        let head = self.pipeline(tokens, offset)?;
        self.scope.extend(names.iter().cloned());
        self.loops += usize::from(block == Block::Range);
        let (then, stop) = self.block()?;
        self.loops -= usize::from(block == Block::Range);
        let not_closed = || error(offset, "the block is not closed with `{{ end }}`");
        let otherwise = match stop {
            Stop::End => return Err(not_closed()),
            Stop::Keyword { word: "end", .. } => Vec::new(),
            Stop::Keyword { rest, offset, .. } => match rest.first().map(|t| &t.kind) {
                None => match self.block()? {
                    (nodes, Stop::Keyword { word: "end", .. }) => nodes,
                    (_, Stop::Keyword { offset, .. }) => return Err(error(offset, "a block has one `else` at most")),
                    (_, Stop::End) => return Err(not_closed()),
                },
                // `else if` shares the `end` of the chain.
                Some(Kind::Word(word)) if block != Block::Range && (word == "if" || word == "with") => {
                    let block = if word == "with" { Block::With } else { Block::If };
                    vec![self.branch(rest.into_iter().skip(1).collect(), offset, block)?]
                }
                Some(_) => return Err(error(offset, "after `else` only `if` or `with` may follow")),
            },
        };
        self.scope.truncate(scope);
        self.depth -= 1;
        Ok(match block {
            Block::If => Node::If { condition: head, then, otherwise },
            Block::With => Node::With { value: head, then, otherwise },
            Block::Range => Node::Range { names, value: head, body: then, otherwise },
        })
    }

    /// The body of a template of its own, which knows no variables but `$`.
    fn define(&mut self, tokens: &[Token], offset: usize) -> Result<(), TemplateError> {
        if self.depth > 0 {
            return Err(error(offset, "`define` stands outside of other blocks"));
        }
        let [Token { kind: Kind::Text(name), .. }] = tokens else {
            return Err(error(offset, "write `define` with a name in double quotes: `{{ define \"name\" }}`"));
        };
        self.body(name.clone(), offset)
    }

    fn body(&mut self, name: String, offset: usize) -> Result<(), TemplateError> {
        self.deeper(offset)?;
        let (scope, loops) = (std::mem::replace(&mut self.scope, vec![String::new()]), std::mem::take(&mut self.loops));
        let (nodes, stop) = self.block()?;
        (self.scope, self.loops) = (scope, loops);
        self.depth -= 1;
        match stop {
            Stop::Keyword { word: "end", .. } => {
                self.defined.insert(name, nodes);
                Ok(())
            }
            Stop::Keyword { offset, .. } => Err(error(offset, "a defined template has no `else`")),
            Stop::End => Err(error(offset, "the block is not closed with `{{ end }}`")),
        }
    }

    fn template(&mut self, mut tokens: Vec<Token>, offset: usize) -> Result<Node, TemplateError> {
        if tokens.is_empty() {
            return Err(error(offset, "write `template` with a name in double quotes: `{{ template \"name\" . }}`"));
        }
        let Token { kind: Kind::Text(name), .. } = tokens.remove(0) else {
            return Err(error(offset, "the name of a template stands in double quotes"));
        };
        self.called.push((name.clone(), offset));
        let dot = if tokens.is_empty() { None } else { Some(self.pipeline(tokens, offset)?) };
        Ok(Node::Template { name, dot })
    }

    /// `block` defines a template where it calls it.
    fn inline(&mut self, tokens: Vec<Token>, offset: usize) -> Result<Node, TemplateError> {
        let node = self.template(tokens, offset)?;
        if let Node::Template { name, .. } = &node {
            self.body(name.clone(), offset)?;
        }
        Ok(node)
    }

    fn pipeline(&mut self, tokens: Vec<Token>, offset: usize) -> Result<Pipeline, TemplateError> {
        let mut words =
            Words { tokens: &tokens, at: 0, offset, end: self.end, scope: &mut self.scope, depth: 0, asks: self.asks };
        let pipeline = words.pipeline(true)?;
        self.asks = words.asks;
        match words.peek() {
            None => Ok(pipeline),
            Some(token) => Err(error(token.offset, "this was not expected here")),
        }
    }
}

/// Takes `$element :=` or `$place, $element :=` off the head of a `range`.
fn range_names(mut tokens: Vec<Token>) -> (Vec<String>, Vec<Token>) {
    let count = match tokens.as_slice() {
        [Token { kind: Kind::Variable(_), .. }, Token { kind: Kind::Declare, .. }, ..] => 2,
        [
            Token { kind: Kind::Variable(_), .. },
            Token { kind: Kind::Comma, .. },
            Token { kind: Kind::Variable(_), .. },
            Token { kind: Kind::Declare, .. },
            ..,
        ] => 4,
        _ => 0,
    };
    let head: Vec<Token> = tokens.drain(..count).collect();
    let name = |token: Token| if let Kind::Variable(name) = token.kind { Some(name) } else { None };
    (head.into_iter().filter_map(name).collect(), tokens)
}

struct Words<'a> {
    tokens: &'a [Token],
    at: usize,
    offset: usize,
    end: usize,
    scope: &'a mut Vec<String>,
    depth: usize,
    asks: bool,
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
            self.asks |= function.asks();
            let args = self.operands()?;
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
        let args = self.operands()?;
        if args.is_empty() {
            return Ok(Command::Operand(operand));
        }
        match &operand {
            Operand::Dot(fields) | Operand::Variable(_, fields) | Operand::Parenthesis(_, fields)
                if !fields.is_empty() =>
            {
                Ok(Command::Method { of: operand, args })
            }
            _ => Err(error(offset, "only a function can be followed by arguments")),
        }
    }

    fn operands(&mut self) -> Result<Vec<Operand>, TemplateError> {
        let mut all = Vec::new();
        while let Some(operand) = self.operand()? {
            all.push(operand);
        }
        Ok(all)
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
                Operand::Parenthesis(Box::new(inner), self.fields(false))
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
                            if function.least == 0 {
                                return Ok(Some(Operand::Call(function)));
                            }
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
