//! Binary operators: precedence, modifiers of matching, and what their operands must be.
//!
//! Not what they do.

use super::Parser;
use super::lexer::Kind as TokenKind;
use crate::ast::{Kind, Node, NodeKind, Span};
use crate::operator::{BinaryOp, Cardinality, MatchLabels, Matching};

/// How strongly operators bind; unary signs bind as multiplication does.
const POWER: u8 = 6;
pub(super) const UNARY: u8 = POWER;

fn precedence(op: BinaryOp) -> u8 {
    match op.sign() {
        "or" => 1,
        "and" | "unless" => 2,
        "==" | "!=" | "<" | ">" | "<=" | ">=" | "</" | ">/" => 3,
        "+" | "-" => 4,
        "^" => POWER,
        _ => 5,
    }
}

impl Parser<'_> {
    /// Reads operands and operators that bind at least as strongly as `least`.
    pub(super) fn binary(&mut self, least: u8) -> Node {
        if self.nesting >= super::MAX_DEPTH {
            (self.too_deep, self.stopped) = (true, true);
            return self.broken();
        }
        self.nesting += 1;
        let node = self.chain(least);
        self.nesting -= 1;
        node
    }

    fn chain(&mut self, least: u8) -> Node {
        let mut lhs = self.operand();
        while let Some(op) = self.operator() {
            let binds = precedence(op);
            if self.stopped || binds < least {
                break;
            }
            let sign_start = self.start();
            self.advance();
            let (matching, return_bool, modifiers_end) = self.modifiers(op);
            if self.stopped {
                break;
            }
            // `^` binds to the right, everything else to the left.
            let rhs = self.binary(if binds == POWER { binds } else { binds + 1 });
            let span = Span { start: lhs.span.start, end: rhs.span.end };
            let sign = Span { start: sign_start, end: modifiers_end };
            self.check_operands(op, (&lhs, &rhs), &matching, return_bool, (span, sign));
            let kind = NodeKind::Binary { op, lhs: Box::new(lhs), rhs: Box::new(rhs), matching, return_bool };
            lhs = Node::new(kind, span);
            if lhs.depth() > super::MAX_DEPTH {
                (self.too_deep, self.stopped) = (true, true);
            }
        }
        lhs
    }

    fn operator(&self) -> Option<BinaryOp> {
        match self.peek() {
            TokenKind::Sign(sign) => BinaryOp::from_sign(sign),
            TokenKind::Word => BinaryOp::from_sign(&self.word()?),
            _ => None,
        }
    }

    fn modifiers(&mut self, op: BinaryOp) -> (Matching, bool, usize) {
        let mut matching = Matching {
            labels: MatchLabels::Ignoring(Vec::new()),
            cardinality: if matches!(op, BinaryOp::Set(_)) { Cardinality::ManyToMany } else { Cardinality::OneToOne },
            include: Vec::new(),
            fill_left: None,
            fill_right: None,
        };
        let return_bool = self.eat_word("bool");
        let mut end = self.last_end();
        let on = self.is_word("on");
        if on || self.is_word("ignoring") {
            self.advance();
            let labels = self.labels();
            matching.labels = if on { MatchLabels::On(labels) } else { MatchLabels::Ignoring(labels) };
            let left = self.is_word("group_left");
            if left || self.is_word("group_right") {
                self.advance();
                if self.is_sign("(") {
                    matching.include = self.labels();
                }
                matching.cardinality = if left { Cardinality::ManyToOne } else { Cardinality::OneToMany };
            }
            end = self.last_end();
        }
        while matches!(self.peek_after(), TokenKind::Sign("(")) {
            let (left, right) = match self.word().as_deref() {
                Some("fill") => (true, true),
                Some("fill_left") => (true, false),
                Some("fill_right") => (false, true),
                _ => break,
            };
            self.advance();
            self.advance();
            let value = self.signed_number(" in fill modifier, expected number");
            self.expect(")", " in fill modifier, expected \")\"");
            matching.fill_left = if left { value } else { matching.fill_left };
            matching.fill_right = if right { value } else { matching.fill_right };
            end = self.last_end();
        }
        (matching, return_bool, end)
    }

    /// A label list in parentheses. Keywords are labels here, and so are quoted texts.
    pub(super) fn labels(&mut self) -> Vec<String> {
        const CONTEXT: &str = " in grouping opts, expected \"(\"";
        const LABEL: &str = " in grouping opts, expected label";
        let mut labels = Vec::new();
        if !self.expect("(", CONTEXT) {
            return labels;
        }
        while !self.eat_sign(")") {
            match self.peek().clone() {
                TokenKind::Word if !self.shown().contains(':') => labels.push(self.shown().to_owned()),
                TokenKind::Text(name) if !name.is_empty() => labels.push(name),
                _ => {
                    self.unexpected(LABEL);
                    break;
                }
            }
            self.advance();
            if !self.eat_sign(",") && !self.is_sign(")") {
                self.unexpected(" in grouping opts, expected \",\" or \")\"");
                break;
            }
        }
        labels
    }

    fn check_operands(
        &mut self,
        op: BinaryOp,
        (lhs, rhs): (&Node, &Node),
        matching: &Matching,
        return_bool: bool,
        (span, sign): (Span, Span),
    ) {
        if self.stopped || lhs.is_broken() || rhs.is_broken() {
            return;
        }
        let compares = matches!(op, BinaryOp::Comparison(_));
        if return_bool && !compares {
            self.tell(sign, "bool modifier can only be used on comparison operators");
        }
        let (left, right) = (lhs.kind(), rhs.kind());
        if compares && !return_bool && left == Kind::Scalar && right == Kind::Scalar {
            self.tell(sign, "comparisons between scalars must use BOOL modifier");
        }
        let is_set = matches!(op, BinaryOp::Set(_));
        let grouped = matches!(matching.cardinality, Cardinality::ManyToOne | Cardinality::OneToMany);
        if let MatchLabels::On(labels) = &matching.labels {
            for label in labels.iter().filter(|label| grouped && matching.include.contains(label)) {
                self.tell(sign, format!("label {label:?} must not occur in ON and GROUP clause at once"));
            }
        }
        for operand in [lhs, rhs] {
            if !matches!(operand.kind(), Kind::Scalar | Kind::Vector) {
                self.tell(operand.span, "binary expression must contain only scalar and instant vector types");
                return;
            }
        }
        let vectors = left == Kind::Vector && right == Kind::Vector;
        let matches_labels = match &matching.labels {
            MatchLabels::On(_) => true,
            MatchLabels::Ignoring(labels) => !labels.is_empty(),
        };
        let fills = matching.fill_left.is_some() || matching.fill_right.is_some();
        if !vectors && (matches_labels || fills) {
            let what = if matches_labels { "vector matching" } else { "filling in of missing series" };
            self.tell(span, format!("{what} only allowed between instant vectors"));
        }
        if is_set {
            if grouped {
                self.tell(span, format!("no grouping allowed for {:?} operation", op.sign()));
            }
            if grouped {
                self.tell(span, "set operations must always be many-to-many");
            }
            if fills {
                self.tell(span, "filling in of missing series not allowed for set operators");
            }
            if !vectors {
                let sign = op.sign();
                self.tell(span, format!("set operator {sign:?} not allowed in binary scalar expression"));
            }
        }
        if matches!(op, BinaryOp::Trim(_)) && left == Kind::Scalar && right == Kind::Scalar {
            self.tell(span, format!("operator {:?} not allowed for Scalar operations", op.sign()));
        }
    }
}
