//! Aggregations: `sum by (job) (v)`, `topk(3, v) by (job)`.
//!
//! Not functions, whose arguments have types one by one.

use super::Parser;
use crate::aggregation::Aggregator;
use crate::ast::{Grouping, Kind, Node, NodeKind};

impl Parser<'_> {
    pub(super) fn aggregate(&mut self, aggregator: &'static Aggregator) -> Node {
        let start = self.start();
        self.advance();
        let before = self.grouping();
        let args = self.arguments();
        if self.stopped {
            // The end of the text inside of the parentheses says more than the missing argument.
            return self.broken();
        }
        let grouping = before.or_else(|| self.grouping()).unwrap_or(Grouping::By(Vec::new()));
        let span = self.span_from(start);
        let wanted = 1 + usize::from(aggregator.parameter.is_some());
        let count = args.len();
        let mut args = args.into_iter();
        let param = if wanted == 2 && count == 2 { args.next().map(Box::new) } else { None };
        let Some(expr) = args.next().map(Box::new) else {
            self.tell(span, "no arguments for aggregate expression provided");
            return self.broken();
        };
        if count != wanted {
            self.tell(
                span,
                format!("wrong number of arguments for aggregate expression provided, expected {wanted}, got {count}"),
            );
            return self.broken();
        }
        if !expr.is_broken() && expr.kind() != Kind::Vector {
            let kind = expr.kind();
            self.tell(expr.span, format!("expected type instant vector in aggregation expression, got {kind}"));
        }
        if let (Some(param), Some(wanted)) = (&param, aggregator.parameter)
            && !param.is_broken()
            && param.kind() != wanted
        {
            let kind = param.kind();
            self.tell(param.span, format!("expected type {wanted} in aggregation parameter, got {kind}"));
        }
        Node::new(NodeKind::Aggregate { aggregator, grouping, param, expr }, span)
    }

    fn grouping(&mut self) -> Option<Grouping> {
        if self.eat_word("by") {
            return Some(Grouping::By(self.labels()));
        }
        self.eat_word("without").then(|| Grouping::Without(self.labels()))
    }
}
